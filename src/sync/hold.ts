import type { Pause } from "../stores/store.ts";
import { backoff, capMillis } from "./backoff.ts";

/**
 * When a courier may try a destination that failed. The pause is shared by all couriers of a store, through its ledger;
 * each measures what is left of it by its own monotonic clock, so that a wall clock that jumps costs one early try at
 * most and holds nobody up.
 */
export interface Hold {
  /**
   * Milliseconds to wait before a try, given the pause in the ledger.
   * @param asked a person waits, or the network came back: only the rate is bounded then, for all couriers together
   */
  left(pause: Pause | undefined, asked: boolean): number;
  /** The pause after one more failure. */
  next(pause: Pause | undefined, problem: Pause["problem"], afterMs: number | undefined): Pause;
}

/** Tries that are asked for are this far apart, all couriers together; less than the first wait of `drain`. */
const askedMillis = 400;
/** The longest Retry-After that is heeded, and the longest wait of our own. */
const longestMillis = 15 * 60_000 + capMillis;

export function createHold(): Hold {
  let until: number | undefined;
  let ends = 0;
  const begin = (pause: Pause, millis: number): number => {
    until = pause.until;
    ends = performance.now() + millis;
    return millis;
  };
  return {
    left(pause, asked) {
      if (pause === undefined) return 0;
      const now = Date.now();
      const since = now - pause.since;
      if (asked) return since >= 0 && since < askedMillis ? askedMillis - since : 0;
      if (until === pause.until) return Math.max(0, ends - performance.now());
      const wait = pause.until - now;
      return wait > 0 && wait <= longestMillis ? begin(pause, wait) : 0;
    },
    next(pause, problem, afterMs) {
      const failures = (pause?.failures ?? 0) + 1;
      const millis = backoff(failures, Math.random(), afterMs);
      const since = Date.now();
      const next: Pause = { failures, since, until: since + millis, problem };
      begin(next, millis);
      return next;
    },
  };
}
