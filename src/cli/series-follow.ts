import { allSegments } from "../client/opening.ts";
import { isRunlogError } from "../errors.ts";
import { foldSegments } from "../read/fold.ts";
import { liveSeries } from "../read/live.ts";
import { type Series, seriesOf } from "../read/series.ts";
import type { LocalStore } from "../stores/store.ts";
import { note } from "./output.ts";
import { checkRun } from "./store.ts";

/** One observation: step, time in milliseconds since 1970, value. */
export type Point = readonly [step: number, time: number, value: unknown];

/**
 * The observations of a key as they come, each once, until the run ends or the signal aborts. A run that takes steps
 * back says so on stderr; what it tracks anew follows.
 */
export async function* follow(
  store: LocalStore,
  run: string,
  key: string,
  task: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<Point, void, void> {
  await checkRun(store, run);
  const read = async (): Promise<{ series: Series | undefined; ended: boolean }> => {
    const state = foldSegments(await allSegments(store, run));
    const ended = state?.status === "SUCCESS" || state?.status === "FAIL";
    try {
      return { series: state && seriesOf(state, key, task), ended };
    } catch (error) {
      // A key that nobody tracked yet may still come.
      if (ended || !isRunlogError(error, "not_found")) throw error;
      return { series: undefined, ended };
    }
  };
  let shown: readonly Point[] = [];
  for await (const series of liveSeries(read, (until) => store.watch(run, until), { every: 200, signal })) {
    const points = Array.from(pointsOf(series));
    const same = shown.findIndex((point, row) => !equal(point, points[row]));
    if (same >= 0) note(`'${key}' was taken back to its first ${same} observations`);
    yield* points.slice(same >= 0 ? same : shown.length);
    shown = points;
  }
}

/** The observations of a series, in its order. */
export function* pointsOf({ step, time, value }: Series): Generator<Point> {
  for (let row = 0; row < step.length; row++) yield [step[row] as number, time[row] as number, value[row]];
}

function equal([step, time]: Point, other: Point | undefined): boolean {
  return other !== undefined && other[0] === step && other[1] === time;
}
