/** The observations of the durability benchmarks, and the raw way to their bytes; for Node and pages. */

/** Observations of a segment, as the client closes them. */
export const SEGMENT = 16_384;
/** Observations between two yields to the event loop, as a training step or batch has them. */
export const CHUNK = 10_000;

export const KEYS: readonly [string, string] = ["loss", "accuracy"];

/** Numbers as training makes them: all digits used. */
export function valueAt(index: number): number {
  return Math.sin(index) * 0.5 + 0.5;
}

/** Puts `count` observations into columns, gives the bytes of each full segment's line, yields every `CHUNK`. */
export async function* rawLines(
  count: number,
  yields: () => Promise<unknown>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  let columns = emptyColumns();
  let last = 0;
  for (let index = 0; index < count; index++) {
    const now = Date.now();
    columns.key.push(index % 2);
    columns.step.push(index >> 1);
    columns.time.push(columns.time.length === 0 ? now : now - last);
    columns.value.push(valueAt(index));
    last = now;
    if (columns.key.length === SEGMENT || index === count - 1) {
      yield encoder.encode(JSON.stringify({ type: "metrics", task: "main", keys: KEYS, ...columns }));
      columns = emptyColumns();
    }
    if (index % CHUNK === CHUNK - 1) await yields();
  }
}

/** Calls `track` for `count` observations, two a call, and yields every `CHUNK`. */
export async function trackAll(
  run: { track(values: Record<string, number>, options: { step: number }): void },
  count: number,
  yields: () => Promise<unknown>,
): Promise<void> {
  for (let index = 0; index < count; index += 2) {
    run.track({ loss: valueAt(index), accuracy: valueAt(index + 1) }, { step: index >> 1 });
    if ((index + 2) % CHUNK === 0) await yields();
  }
}

function emptyColumns(): Record<"key" | "step" | "time" | "value", number[]> {
  return { key: [], step: [], time: [], value: [] };
}
