import { isRunlogError } from "../errors.ts";
import { foldSegments } from "../read/fold.ts";
import type { Participant } from "../read/status.ts";
import type { RunCore } from "./core.ts";
import { takeKey } from "./key-lock.ts";
import { allSegments } from "./opening.ts";
import type { Platform } from "./platform.ts";

/**
 * A notebook cell that is re-run lets its run go: all is made durable and the lock is freed, so that the next
 * `resumeRun` of its key continues the run. If none comes within 60 s the run ends as `finish()` would end it.
 */

/** How long a run that was let go waits for the next cell. */
export const letGoMillis = 60_000;

export interface LetGoOptions {
  /** The key that the next cell will ask for. */
  readonly key?: string | undefined;
  /** Settles when the cell that made the run is re-run or removed. */
  readonly invalidation?: PromiseLike<unknown> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A run that may be let go. */
export interface LettingGo {
  /** True from the moment the cell was invalidated. */
  readonly begun: boolean;
  /**
   * Gives the run to the next cell of this page: all that was tracked is durable when it resolves, and what a cell that
   * does not notice its end still tracks is no longer kept.
   */
  handOver(): Promise<void>;
}

/** Watches for the caller's wish to let the run go. */
export function letGoWhen(
  core: RunCore,
  platform: Platform,
  writer: string,
  options: LetGoOptions,
): LettingGo {
  let begun = false;
  const letGo = async (): Promise<void> => {
    if (begun || core.finished) return;
    begun = true;
    const { store } = await core.opening.opened;
    // The next cell comes before or after, never between: it either finds the lock free or is seen here.
    const freeKey = options.key === undefined ? undefined : await takeKey(store, options.key);
    try {
      if (core.finished) return;
      await core.flushQuietly();
      if (await isShared(core, writer)) {
        // Durable before the key is free: of two that are let go at once only one sees the other at work and ends.
        void core.finish(undefined, undefined, 10_000, false);
        return await core.flushQuietly();
      }
      await core.lease.free();
    } finally {
      freeKey?.();
    }
    platform.timer(() => void endUnlessTaken(core, writer), letGoMillis);
  };
  const gone = (): void => void letGo();
  options.invalidation?.then(gone, gone);
  if (options.signal?.aborted) gone();
  else options.signal?.addEventListener("abort", gone, { once: true });
  return {
    get begun() {
      return begun;
    },
    async handOver() {
      core.leave();
      await core.flushQuietly();
      core.lease.release();
    },
  };
}

/** Whether another writer is at work on the run, so that nobody will name this one as ended. */
async function isShared(core: RunCore, writer: string): Promise<boolean> {
  const others = await participantsOf(core);
  return others.some((each) => each.writer !== writer && each.open);
}

/** None where the store cannot be read now: then the run ends by itself, which is right also where others go on. */
async function participantsOf(core: RunCore): Promise<readonly Participant[]> {
  const { store } = await core.opening.opened;
  try {
    return foldSegments(await allSegments(store, core.opening.run))?.participants ?? [];
  } catch (error) {
    if (isRunlogError(error)) return [];
    throw error;
  }
}

/** Somebody who continued the run named this writer as ended: then there is nothing left to end. */
async function endUnlessTaken(core: RunCore, writer: string): Promise<void> {
  if (core.finished) return;
  const known = await participantsOf(core);
  if (known.some((each) => each.writer === writer && !each.open)) {
    core.leave();
    core.lease.release();
  }
  // Others that hold no lock may have been let go a moment ago: they end by themselves, or are continued.
  else await core.finish(undefined, undefined, 10_000, false);
}
