import { isRunlogError } from "../errors.ts";
import { foldSegments } from "../read/fold.ts";
import { type LiveFrame, liveSeries } from "../read/live.ts";
import { type Series, seriesOf } from "../read/series.ts";
import type { RunCore } from "./core.ts";
import { allSegments } from "./opening.ts";

/** The series of a key of an open run, as `run.live` gives it. */
export function liveRun(
  core: RunCore,
  key: string,
  task: string | undefined,
): AsyncGenerator<Series, void, void> {
  const read = async (): Promise<LiveFrame> => {
    const ended = core.finished;
    await core.flushQuietly();
    const { store } = await core.opening.opened;
    const state = foldSegments(await allSegments(store, core.opening.run));
    return { series: state && seriesIfAny(() => seriesOf(state, key, task)), ended };
  };
  async function* changes(signal: AbortSignal): AsyncGenerator<void> {
    const { store } = await core.opening.opened;
    yield* store.watch(core.opening.run, signal);
  }
  return liveSeries(read, changes);
}

/** A key that nobody tracked yet may still come. */
function seriesIfAny(read: () => Series): Series | undefined {
  try {
    return read();
  } catch (error) {
    if (isRunlogError(error, "not_found")) return undefined;
    throw error;
  }
}
