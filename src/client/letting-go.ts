import { foldSegments } from "../read/fold.ts";
import type { RunCore } from "./core.ts";
import { allSegments } from "./opening.ts";
import type { Platform } from "./platform.ts";

/**
 * A notebook cell that is re-run lets its run go: all is made durable and the lock is freed, so that the next
 * `resumeRun` of its key continues the run. If none comes within 60 s the run ends as `finish()` would end it.
 */

/** How long a run that was let go waits for the next cell. */
export const letGoMillis = 60_000;

export interface LetGoOptions {
  /** Settles when the cell that made the run is re-run or removed. */
  readonly invalidation?: PromiseLike<unknown> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Watches for the caller's wish to let the run go. */
export function letGoWhen(core: RunCore, platform: Platform, writer: string, options: LetGoOptions): void {
  let done = false;
  const letGo = async (): Promise<void> => {
    if (done || core.finished) return;
    done = true;
    await core.flushQuietly();
    await core.lease.free();
    platform.timer(() => void endUnlessTaken(core, writer), letGoMillis);
  };
  const gone = (): void => void letGo();
  options.invalidation?.then(gone, gone);
  if (options.signal?.aborted) gone();
  else options.signal?.addEventListener("abort", gone, { once: true });
}

/** Somebody who continued the run named this writer as ended: then there is nothing left to end. */
async function endUnlessTaken(core: RunCore, writer: string): Promise<void> {
  if (core.finished) return;
  const { store } = await core.opening.opened;
  const state = foldSegments(await allSegments(store, core.opening.run));
  const taken = state?.participants.some((each) => each.writer === writer && !each.open) ?? false;
  if (taken) core.leave();
  else await core.finish(undefined, undefined, 10_000);
}
