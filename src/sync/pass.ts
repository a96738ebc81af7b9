import { isRunlogError } from "../errors.ts";
import type { Answer, Call } from "../http/answer.ts";
import type { LedgerEntry, LocalStore, Pause } from "../stores/store.ts";
import { backoff } from "./backoff.ts";
import { deliverRun } from "./deliver-run.ts";
import type { Destination, Outcome, Problem } from "./destination.ts";
import { createHold } from "./hold.ts";
import { createTurns } from "./turns.ts";

/** One pass of a courier over its runs: who goes, in which order, and what its end means for the next. */

/** How often a courier looks for older runs that nobody carries. */
export const sweepMillis = 60_000;

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

/**
 * What a pass came to. `locked`: another courier is at it, or may be: this one was stopped, or taken for dead. `held`: the pause after a failure is not over, for `millis`.
 * `behind`: all went out but runs that fail by themselves and wait for their own next try.
 */
export type Passed =
  | Outcome
  | { readonly state: "locked" }
  | { readonly state: "held"; readonly problem: Problem; readonly millis: number }
  | { readonly state: "behind"; readonly problem: Problem };

export interface Passes {
  /** Never rejects: what the local store throws is a failure like another. @param asked somebody waits for it */
  pass(signal: AbortSignal, asked: boolean): Promise<Passed>;
  /** Milliseconds until the next pass makes sense. */
  waitOf(passed: Passed): number;
  /** Whether every run in care was checked with the other side, where that was asked for. */
  verified(): boolean;
}

export function createPasses(
  parts: CourierParts,
  name: string,
  carried: ReadonlyMap<string, Carried>,
  entries: Map<string, LedgerEntry>,
  begins: () => void,
): Passes {
  const { store } = parts;
  const hold = createHold();
  const turns = createTurns();
  const verified = new Set<string>();
  /** The shared pause, as last seen; undefined while the other side does well. */
  let pause: Pause | undefined;
  /** The pause after a failure of the local store, which may be unable to keep it. */
  let unkept: Pause | undefined;
  /** Why the runs that wait by themselves do. */
  let lagging: Problem | undefined;
  let lastSweep = Number.NEGATIVE_INFINITY;
  /** Older runs that failed: they are tried when their wait is over, not only when somebody looks for older runs. */
  const failed = new Map<string, Carried>();

  /** One pass over the runs, under the lock. @param asked somebody waits for it: every run is tried */
  const attempt = async (signal: AbortSignal, asked: boolean): Promise<Passed> => {
    const own = new AbortController();
    const lost = (): void => own.abort();
    const release = await store.locks.take(`courier:${await store.id()}:${name}`, lost, true);
    if (release === undefined) return { state: "locked" };
    // At once, and not after what is under way.
    const end = (): void => {
      own.abort();
      release();
    };
    signal.addEventListener("abort", end);
    try {
      if (signal.aborted || own.signal.aborted) return { state: "locked" };
      pause = unkept ?? (await store.ledger.pause(name));
      const millis = hold.left(pause, asked);
      if (pause !== undefined && millis > 0) return { state: "held", problem: pause.problem, millis };
      begins();
      const passed = await deliverAll(own.signal, asked);
      unkept = undefined;
      if (own.signal.aborted) return { state: "locked" };
      if (passed.state === "retry") {
        pause = hold.next(pause, passed.problem, passed.afterMs);
        await store.ledger.setPause(name, pause);
      }
      return passed;
    } finally {
      signal.removeEventListener("abort", end);
      end();
    }
  };

  const deliverAll = async (signal: AbortSignal, asked: boolean): Promise<Passed> => {
    const runs = new Map([...failed, ...carried]);
    if (performance.now() - lastSweep > sweepMillis) {
      for await (const other of parts.others()) if (!runs.has(other.run)) runs.set(other.run, other);
      lastSweep = performance.now();
    }
    turns.begin();
    for (const each of turns.order(runs.values(), asked)) {
      if (signal.aborted) break;
      const outcome = await deliverOne(each, signal);
      if (outcome.state === "pause") return outcome;
      if (outcome.state !== "retry") {
        failed.delete(each.run);
        continue;
      }
      failed.set(each.run, each);
      if (!turns.failed(each.run, pause !== undefined, outcome.afterMs)) return outcome;
      lagging = outcome.problem;
    }
    if (turns.next() === undefined) lagging = undefined;
    return lagging === undefined ? { state: "done" } : { state: "behind", problem: lagging };
  };

  const deliverOne = async (each: Carried, signal: AbortSignal): Promise<Outcome> => {
    let called = false;
    const call: CourierParts["call"] = (request, until) => {
      called = true;
      return parts.call(request, until);
    };
    const noted = (entry: LedgerEntry): void => void entries.set(each.run, entry);
    const verify = parts.verify === true && !verified.has(each.run);
    const outcome = await deliverRun({ ...parts, ...each, call, name, signal, noted, verify });
    if (outcome.state === "done" || outcome.state === "park") {
      verified.add(each.run);
      turns.through(each.run, called);
      if (called && pause !== undefined) {
        pause = undefined;
        await store.ledger.setPause(name, undefined);
      }
    }
    return outcome;
  };

  return {
    async pass(signal, asked) {
      try {
        return await attempt(signal, asked);
      } catch (error) {
        if (isRunlogError(error, "ledger_moved")) return { state: "locked" };
        unkept = hold.next(pause, storageProblem(error), undefined);
        pause = unkept;
        return { state: "retry", problem: unkept.problem };
      }
    },
    waitOf(passed) {
      if (passed.state === "held") return passed.millis;
      if (passed.state === "behind") return turns.next() ?? 0;
      return passed.state === "retry" ? hold.left(pause, false) : backoff(20, Math.random());
    },
    verified: () => parts.verify !== true || [...carried.keys()].every((run) => verified.has(run)),
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
