import { crc32OfText } from "../model/crc32.ts";
import type { LedgerEntry } from "../stores/store.ts";
import { backoff } from "./backoff.ts";
import { covers } from "./deliver-run.ts";
import type { Destination, Problem } from "./destination.ts";
import { type Carried, type CourierParts, createPasses, type Passed, sweepMillis } from "./pass.ts";
import { sleep } from "./sleep.ts";

export type { Carried, CourierParts } from "./pass.ts";

/**
 * Carries runs from a local store to one destination: peek, send, acknowledge. One courier at a time works for a
 * store and destination, by a lock that ends with its holder; another one looks on and takes over. It tries for ever,
 * with growing pauses that all couriers of the store keep, and what it waits for is in its status.
 */

/** New observations wait this long for company, unless a full batch is there or somebody asks. */
export const gatherMillis = 5_000;
const lockedMillis = 200;
/** How often one looks whether another courier is still at it. */
const lookMillis = 500;

export interface Courier {
  readonly destination: Destination;
  /** Takes a run of this store into care. */
  carry(run: Carried): void;
  /** There is something new; it goes out within 5 s, or at once when `now`. A pause after a failure is kept. */
  poke(now: boolean): void;
  /** The other side may be back: tries at once, unless somebody just did. */
  retry(): void;
  /**
   * Delivers all that is durable now. Resolves when it is there, when it cannot go on without a person, or at
   * `signal`; after three failed tries in a row as well.
   */
  drain(signal: AbortSignal): Promise<void>;
  /** What is known about a run. */
  entry(run: string): LedgerEntry | undefined;
  readonly state: "idle" | "delivering" | "waiting" | "paused";
  readonly problem: Problem | undefined;
  /** Milliseconds since 1970 of the next try. */
  readonly nextTry: number | undefined;
  /** Ends it once all that it carries is there; what it is at is brought to its end. */
  retire(): void;
  /** Ends it: what is in flight is abandoned, to be sent again by the next courier. */
  stop(): void;
}

/** `<kind>-<crc of the url>`: names the ledger. */
export function destinationName(destination: Pick<Destination, "kind" | "url">): string {
  return `${destination.kind}-${crc32OfText(destination.url)}`;
}

export function createCourier(parts: CourierParts): Courier {
  const { store, destination } = parts;
  const name = destinationName(destination);
  const carried = new Map<string, Carried>();
  const entries = new Map<string, LedgerEntry>();
  const passes = createPasses(parts, name, carried, entries, () => {
    state = "delivering";
  });
  const stopped = new AbortController();
  let state: Courier["state"] = destination.problem === undefined ? "idle" : "paused";
  let problem: Problem | undefined = destination.problem;
  let nextTry: number | undefined;
  /** What came of the last pass is kept for a while. */
  let holds = false;
  let cancelTimer: (() => void) | undefined;
  let timerAt = 0;
  let working: Promise<Passed> | undefined;
  let again = false;
  let retired = false;

  const schedule = (millis: number, asked = false): void => {
    const at = performance.now() + millis;
    if (cancelTimer !== undefined && timerAt <= at) return;
    cancelTimer?.();
    timerAt = at;
    cancelTimer = parts.timer(() => {
      cancelTimer = undefined;
      void work(stopped.signal, asked);
    }, millis);
  };

  const hurry = (millis: number, asked = false): void => {
    if (destination.problem === undefined && !stopped.signal.aborted) schedule(millis, asked);
  };

  const settle = (passed: Passed): void => {
    nextTry = undefined;
    holds = passed.state === "retry" || passed.state === "held" || passed.state === "pause";
    if (passed.state === "locked") {
      state = "waiting";
      schedule(lookMillis);
      return;
    }
    problem = "problem" in passed ? passed.problem : undefined;
    if (passed.state === "done" || passed.state === "park") {
      state = "idle";
      if (!retired) schedule(sweepMillis);
      return;
    }
    state = passed.state === "pause" ? "paused" : "waiting";
    const millis = passes.waitOf(passed);
    nextTry = Date.now() + millis;
    // It looks each minute whether another courier got through; a pause for a person is its own.
    schedule(passed.state === "pause" ? millis : Math.min(millis, sweepMillis));
  };

  const work = (signal: AbortSignal, asked: boolean): Promise<Passed> => {
    if (working !== undefined) {
      again = true;
      return working;
    }
    cancelTimer?.();
    cancelTimer = undefined;
    working = passes.pass(signal, asked).then((passed) => {
      working = undefined;
      if (stopped.signal.aborted) return passed;
      settle(passed);
      if (again && (passed.state === "done" || passed.state === "behind")) schedule(0);
      again = false;
      return passed;
    });
    return working;
  };

  const allThere = async (): Promise<boolean> => {
    for (const run of carried.keys()) {
      const entry = await store.ledger.read(run, name);
      if (entry !== undefined) entries.set(run, entry);
      if (entry?.parked !== undefined) continue;
      const position = await store.position(run);
      if (entry?.complete !== true || !covers(entry, position)) return false;
    }
    return true;
  };

  /** A store that cannot be read is met by the next pass, which tells why. */
  const isComplete = (): Promise<boolean> => allThere().catch(() => false);

  return {
    destination,
    carry(run) {
      carried.set(run.run, run);
    },
    poke(now) {
      if (!holds) hurry(now ? 0 : gatherMillis);
    },
    retry: () => hurry(0, true),
    async drain(signal) {
      if (destination.problem !== undefined) return;
      for (let failed = 0; failed < 3 && !signal.aborted; ) {
        if (passes.verified() && (await isComplete())) return;
        const passed = await Promise.race([work(stopped.signal, true), aborted(signal)]);
        if (passed === undefined) return;
        // Another courier is at it, or more came meanwhile.
        const rest = passed.state === "locked" || (passed.state === "done" && !(await isComplete()));
        if (rest) await sleep(lockedMillis, signal);
        else if (passed.state === "pause") return;
        else if (passed.state !== "done") {
          failed += 1;
          const asked = passed.state === "retry" ? passed.afterMs : undefined;
          if (failed < 3) await sleep(Math.min(backoff(failed, 1, asked), 5_000), signal);
        }
      }
    },
    entry: (run) => entries.get(run),
    get state() {
      return state;
    },
    get problem() {
      return problem;
    },
    get nextTry() {
      return nextTry;
    },
    retire() {
      retired = true;
      if (state !== "idle") return;
      cancelTimer?.();
      cancelTimer = undefined;
    },
    stop() {
      cancelTimer?.();
      cancelTimer = undefined;
      stopped.abort();
    },
  };
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
