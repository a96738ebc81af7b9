/** Times the tool and a raw loop in turn, so that a machine that slows down slows both. */

/** One way of doing the work; gives the milliseconds of the part that counts. */
export type Way = () => Promise<number> | number;

/** What came of the tries. */
export interface Comparison {
  /** Median milliseconds of the tool. */
  readonly ours: number;
  /** Median milliseconds of the raw loop. */
  readonly raw: number;
  /** Median over the tries of ours / raw. */
  readonly ratio: number;
}

/** Runs both ways `tries` times in turn, after one round that does not count. */
export async function interleave(tries: number, ours: Way, raw: Way): Promise<Comparison> {
  await ours();
  await raw();
  const pairs: [ours: number, raw: number][] = [];
  for (let index = 0; index < tries; index++) pairs.push([await ours(), await raw()]);
  return {
    ours: median(pairs.map(([first]) => first)),
    raw: median(pairs.map(([, second]) => second)),
    ratio: median(pairs.map(([first, second]) => first / second)),
  };
}

/** The middle value; of an even number the upper one of the two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error("there is no median of nothing");
  return middle;
}
