import { backoff } from "./backoff.ts";

/**
 * Whose turn it is, so that a run that always fails holds up no other and a server that is down is not tried once per
 * run. A failure ends the pass and puts its run last. It is the run's own when another run got through before it in the
 * same pass, or did once and the server has not failed since: then the run waits by itself and the pass goes on.
 */
export interface Turns {
  /** Those that may be tried now: first those that never failed, then those that waited longest. */
  order<T extends { readonly run: string }>(runs: Iterable<T>, all: boolean): T[];
  /** A run got through. @param called with requests, so that the server is known to do well */
  through(run: string, called: boolean): void;
  /** Notes a failure; true when it is the run's own. @param down the server itself fails, as far as is known */
  failed(run: string, down: boolean, afterMs: number | undefined): boolean;
  /** Milliseconds until the first of those that wait may be tried; undefined when none does. */
  next(): number | undefined;
  /** Begins a pass. */
  begin(): void;
}

interface Waiting {
  readonly failures: number;
  /** By the monotonic clock; the failure itself where the whole destination waits. */
  readonly due: number;
  readonly own: boolean;
}

export function createTurns(): Turns {
  const waiting = new Map<string, Waiting>();
  let answers = false;
  return {
    order(runs, all) {
      const now = performance.now();
      const may = [...runs].filter(({ run }) => all || (waiting.get(run)?.due ?? 0) <= now);
      return may.sort((one, other) => dueOf(waiting.get(one.run)) - dueOf(waiting.get(other.run)));
    },
    through(run, called) {
      waiting.delete(run);
      answers ||= called;
    },
    failed(run, down, afterMs) {
      const before = waiting.get(run);
      const failures = (before?.failures ?? 0) + 1;
      const own = answers || (before?.own === true && !down);
      const millis = own ? backoff(failures, Math.random(), afterMs) : 0;
      waiting.set(run, { failures, due: performance.now() + millis, own });
      // The next failure needs a witness of its own: the server may have gone down meanwhile.
      answers = false;
      return own;
    },
    next() {
      const dues = [...waiting.values()].map(({ due }) => due);
      return dues.length === 0 ? undefined : Math.max(0, Math.min(...dues) - performance.now());
    },
    begin() {
      answers = false;
    },
  };
}

function dueOf(waiting: Waiting | undefined): number {
  return waiting?.due ?? 0;
}
