import type { Answer, Call } from "../http/answer.ts";
import { crc32OfText } from "../model/crc32.ts";
import type { LedgerEntry, LocalStore } from "../stores/store.ts";
import { backoff } from "./backoff.ts";
import { covers, deliverRun } from "./deliver-run.ts";
import type { Destination, Outcome, Problem } from "./destination.ts";
import { sleep } from "./sleep.ts";

/**
 * Carries runs from a local store to one destination: peek, send, acknowledge. One courier at a time works for a
 * store and destination, by a lock that ends with its holder; another one looks on and takes over. It tries for ever,
 * with growing pauses, and what it waits for is in its status.
 */

/** New observations wait this long for company, unless a full batch is there or somebody asks. */
export const gatherMillis = 5_000;
/** How often a courier looks for older runs that nobody carries. */
const sweepMillis = 60_000;
const lockedMillis = 200;

export interface CourierParts {
  readonly store: LocalStore;
  readonly destination: Destination;
  readonly call: (request: Call, signal?: AbortSignal) => Promise<Answer>;
  readonly timer: (run: () => void, millis: number) => () => void;
  /** The runs in the store that name this destination, besides those given to `carry`. */
  readonly others: () => AsyncIterable<Carried>;
  /** Checks with the other side once what the ledger says of each run, parked ones included. @default false */
  readonly verify?: boolean;
}

/** A run in care. */
export interface Carried {
  readonly run: string;
  readonly uid: string;
  /** Whether this store is the one of the run's first writer, which alone ends the run there. */
  readonly owner: boolean;
}

export interface Courier {
  readonly destination: Destination;
  /** Takes a run of this store into care. */
  carry(run: Carried): void;
  /** There is something new; it goes out within 5 s, or at once when `now`. A pause after a failure is kept. */
  poke(now: boolean): void;
  /** The other side may be back: tries at once. */
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
  const verified = new Set<string>();
  const stopped = new AbortController();
  let state: Courier["state"] = destination.problem === undefined ? "idle" : "paused";
  let problem: Problem | undefined = destination.problem;
  let nextTry: number | undefined;
  let failures = 0;
  let lastSweep = Number.NEGATIVE_INFINITY;
  let cancelTimer: (() => void) | undefined;
  let timerAt = 0;
  let working: Promise<Outcome | "locked"> | undefined;
  let again = false;
  let retired = false;

  const schedule = (millis: number): void => {
    const at = performance.now() + millis;
    if (cancelTimer !== undefined && timerAt <= at) return;
    cancelTimer?.();
    timerAt = at;
    cancelTimer = parts.timer(() => {
      cancelTimer = undefined;
      void work(stopped.signal);
    }, millis);
  };

  const hurry = (millis: number): void => {
    if (destination.problem === undefined && !stopped.signal.aborted) schedule(millis);
  };

  /** One pass over the runs, under the lock. */
  const pass = async (signal: AbortSignal): Promise<Outcome | "locked"> => {
    const release = await store.locks.take(`courier:${await store.id()}:${name}`);
    if (release === undefined) return "locked";
    state = "delivering";
    try {
      return await deliverAll(signal);
    } finally {
      release();
    }
  };

  const deliverAll = async (signal: AbortSignal): Promise<Outcome> => {
    const runs = new Map(carried);
    if (performance.now() - lastSweep > sweepMillis) {
      for await (const other of parts.others()) if (!runs.has(other.run)) runs.set(other.run, other);
      lastSweep = performance.now();
    }
    for (const each of runs.values()) {
      if (signal.aborted) break;
      const noted = (entry: LedgerEntry): void => void entries.set(each.run, entry);
      const verify = parts.verify === true && !verified.has(each.run);
      const outcome = await deliverRun({ ...parts, ...each, name, signal, noted, verify });
      if (outcome.state === "done" || outcome.state === "park") verified.add(each.run);
      if (outcome.state === "retry" || outcome.state === "pause") return outcome;
    }
    return { state: "done" };
  };

  const settle = (outcome: Outcome | "locked"): void => {
    nextTry = undefined;
    if (outcome === "locked") {
      state = "waiting";
      schedule(1_000);
    } else if (outcome.state === "done") {
      failures = 0;
      state = "idle";
      problem = undefined;
      if (!retired) schedule(sweepMillis);
    } else if (outcome.state !== "park") {
      failures += 1;
      problem = outcome.problem;
      state = outcome.state === "pause" ? "paused" : "waiting";
      const asked = outcome.state === "retry" ? outcome.afterMs : undefined;
      const millis =
        outcome.state === "pause" ? backoff(20, Math.random()) : backoff(failures, Math.random(), asked);
      nextTry = Date.now() + millis;
      schedule(millis);
    }
  };

  const work = (signal: AbortSignal): Promise<Outcome | "locked"> => {
    if (working !== undefined) {
      again = true;
      return working;
    }
    cancelTimer?.();
    cancelTimer = undefined;
    working = pass(signal)
      .catch((error: unknown): Outcome => ({ state: "retry", problem: storageProblem(error) }))
      .then((outcome) => {
        working = undefined;
        if (stopped.signal.aborted) return outcome;
        settle(outcome);
        if (again && outcome !== "locked" && outcome.state === "done") schedule(0);
        again = false;
        return outcome;
      });
    return working;
  };

  const allVerified = (): boolean =>
    parts.verify !== true || [...carried.keys()].every((run) => verified.has(run));

  const isComplete = async (): Promise<boolean> => {
    for (const run of carried.keys()) {
      const entry = await store.ledger.read(run, name);
      if (entry !== undefined) entries.set(run, entry);
      if (entry?.parked !== undefined) continue;
      const position = await store.position(run);
      if (entry?.complete !== true || !covers(entry, position)) return false;
    }
    return true;
  };

  return {
    destination,
    carry(run) {
      carried.set(run.run, run);
    },
    poke(now) {
      if (failures === 0) hurry(now ? 0 : gatherMillis);
    },
    retry: () => hurry(0),
    async drain(signal) {
      if (destination.problem !== undefined) return;
      for (let failed = 0; failed < 3 && !signal.aborted; ) {
        if (allVerified() && (await isComplete())) return;
        const outcome = await Promise.race([work(stopped.signal), aborted(signal)]);
        if (outcome === undefined) return;
        // Another courier is at it, or more came meanwhile.
        const rest = outcome === "locked" || (outcome.state === "done" && !(await isComplete()));
        if (rest) await sleep(lockedMillis, signal);
        else if (outcome.state === "pause") return;
        else if (outcome.state === "retry") {
          failed += 1;
          if (failed < 3) await sleep(Math.min(backoff(failed, 1, outcome.afterMs), 5_000), signal);
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

function storageProblem(error: unknown): Problem {
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: "storage",
    message: `the local store could not be read: ${message}`,
    action: "see the message; nothing was lost at the destination",
  };
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
