import type { Mutant } from "./mutate.ts";

/** A test as it ran without a mutant. */
export interface Reach {
  readonly file: string;
  readonly millis: number;
  /** The ids of the mutants that it came across. */
  readonly reached: ReadonlySet<number>;
}

/** The tests that each mutant is shown to first, and those that one is shown to which survived them. */
export const stages: readonly (readonly [from: number, to: number])[] = [
  [0, 25],
  [25, 150],
];

/**
 * For each stage: test -> the mutants that it judges. Of those that reach a mutant the nearest by their path come
 * first, and of them those that see most of its file.
 */
export function assign(
  mutants: readonly Mutant[],
  tests: ReadonlyMap<string, Reach>,
): readonly ReadonlyMap<string, readonly number[]>[] {
  const files = Map.groupBy(mutants.keys(), (id) => mutants[id]?.file ?? "");
  const assigned = stages.map(() => new Map<string, number[]>());
  for (const [file, ids] of files) {
    const ranked = [...tests]
      .map(([test, { file: path, millis, reached }]) => {
        const seen = ids.filter((id) => reached.has(id)).length;
        return { test, reached, near: nearness(file, path), seen, millis };
      })
      .sort((one, other) => other.near - one.near || other.seen - one.seen || one.millis - other.millis);
    for (const id of ids) {
      const judges = ranked.filter(({ reached }) => reached.has(id));
      for (const [stage, [from, to]] of stages.entries()) {
        for (const { test } of judges.slice(from, to)) {
          const own = assigned[stage]?.get(test) ?? [];
          assigned[stage]?.set(test, own);
          own.push(id);
        }
      }
    }
  }
  return assigned;
}

/** How many parts of the source's path the test's path names: `stores` and `filesystem`, say. */
function nearness(source: string, test: string): number {
  const parts = source.replace(/^src\/|\.ts$/g, "").split("/");
  return parts.filter((part) => test.includes(part)).length;
}
