/** What a store holds of a run, for tests that compare it with what was promised. */
import { utimesSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { openStore, Store } from "runlog";
import { collect } from "./child.ts";

/** The steps of each key, in the order of the rows. */
export async function stepsOf(
  store: ReturnType<typeof openStore>,
  run: string,
): Promise<Record<string, number[]>> {
  const steps: Record<string, number[]> = {};
  const known = Object.keys(await store.position(run)).length > 0;
  for (const { key, step } of known ? await store.rows(run) : []) {
    steps[key] ??= [];
    steps[key].push(step);
  }
  return steps;
}

/** Makes a store look as if nobody had written to it for two minutes, or since a moment in the future. */
export async function age(store: string, seconds = 120): Promise<void> {
  const then = Date.now() / 1_000 - seconds;
  for (const entry of await readdir(join(store, ".journal"), { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) utimesSync(join(entry.parentPath, entry.name), then, then);
  }
}

/** Its segments, byte for byte. */
export async function linesOf(store: Store, run: string): Promise<string[]> {
  const segments = await collect(store.segments(run));
  return segments.map(({ writer, seq, bytes }) => `${writer} ${seq} ${Buffer.from(bytes)}`);
}
