import type { Mutant } from "./mutate.ts";

/** A test as it ran without a mutant. */
export interface Reach {
  readonly file: string;
  readonly millis: number;
  /** The ids of the mutants that it came across. */
  readonly reached: ReadonlySet<number>;
}

/** A mutant is shown to so many tests at most. */
const mostTests = 25;

/** Test -> the mutants that it judges: of those that reach a mutant the nearest by their path, then the fastest. */
export function assign(
  mutants: readonly Mutant[],
  tests: ReadonlyMap<string, Reach>,
): Map<string, readonly number[]> {
  const assigned = new Map<string, number[]>();
  for (const [id, { file }] of mutants.entries()) {
    const reaching = [...tests].filter(([, { reached }]) => reached.has(id));
    const ranked = reaching
      .map(([test, reach]) => ({ test, near: nearness(file, reach.file), millis: reach.millis }))
      .sort((one, other) => other.near - one.near || one.millis - other.millis);
    for (const { test } of ranked.slice(0, mostTests)) {
      assigned.set(test, [...(assigned.get(test) ?? []), id]);
    }
  }
  return assigned;
}

/** How many parts of the source's path the test's path names: `stores` and `filesystem`, say. */
function nearness(source: string, test: string): number {
  const parts = source.replace(/^src\/|\.ts$/g, "").split("/");
  return parts.filter((part) => test.includes(part)).length;
}
