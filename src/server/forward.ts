import { createCaller } from "../http/caller.ts";
import type { LocalStore } from "../stores/store.ts";
import { type Courier, createCourier, destinationName } from "../sync/courier.ts";
import { covers } from "../sync/deliver-run.ts";
import type { Destination, Problem } from "../sync/destination.ts";
import { sleep } from "../sync/sleep.ts";

/** What a server needs to pass on the runs that it receives. */
export interface ForwardOptions {
  readonly store: LocalStore;
  readonly destination: Destination;
  /** Told when delivery stops, in new words each time, and with undefined when it goes on. */
  readonly onProblem: (problem: Problem | undefined) => void;
}

export interface Forwarding {
  readonly courier: Courier;
  /** Delivers what is here, for at most 10 s, then ends. What is left goes out at the next start. */
  stop(): Promise<void>;
}

/** Appends within this time are looked at together. */
const lookMillis = 1_000;
const drainMillis = 10_000;

/**
 * Carries every run of a store to a destination for as long as a server runs: those received, also before this start,
 * and those written here. The server acts as the owner of a run, which sets its status there, unless the run is
 * `joined`: then another host began it, and ends it there.
 */
export function forwardRuns({ store, destination, onProblem }: ForwardOptions): Forwarding {
  const ending = new AbortController();
  const courier = createCourier({
    store,
    destination,
    call: createCaller(destination),
    timer(run, millis) {
      const timer = setTimeout(run, millis);
      return () => clearTimeout(timer);
    },
    others: () => allRuns(store),
  });
  const stopTelling = tellProblems(courier, onProblem);
  const watching = follow(store, courier, ending.signal).catch((error: unknown) => {
    if (!ending.signal.aborted) onProblem(watchProblem(error));
  });
  return {
    courier,
    async stop() {
      ending.abort();
      await watching;
      await carryNew(store, courier, new Set());
      await courier.drain(AbortSignal.timeout(drainMillis));
      stopTelling();
      courier.stop();
    },
  };
}

async function follow(store: LocalStore, courier: Courier, signal: AbortSignal): Promise<void> {
  const carried = new Set<string>();
  for await (const _ of store.watch(undefined, signal)) {
    await carryNew(store, courier, carried);
    courier.poke(false);
    await sleep(lookMillis, signal);
  }
}

/** Takes runs into care that are not whole there. */
async function carryNew(store: LocalStore, courier: Courier, carried: Set<string>): Promise<void> {
  const name = destinationName(courier.destination);
  for await (const run of allRuns(store)) {
    if (carried.has(run.run)) continue;
    const entry = await store.ledger.read(run.run, name);
    if (entry?.complete === true && covers(entry, await store.position(run.run))) continue;
    carried.add(run.run);
    courier.carry(run);
  }
}

async function* allRuns(
  store: LocalStore,
): AsyncGenerator<{ readonly run: string; readonly uid: string; readonly owner: boolean }> {
  for await (const { run, uid, joined } of store.runs()) yield { run, uid, owner: !joined };
}

function tellProblems(courier: Courier, tell: ForwardOptions["onProblem"]): () => void {
  let told: string | undefined;
  const timer = setInterval(() => {
    const { problem } = courier;
    if (problem?.code === told) return;
    told = problem?.code;
    tell(problem);
  }, lookMillis);
  return () => clearInterval(timer);
}

function watchProblem(error: unknown): Problem {
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: "storage",
    message: `the store could not be watched: ${message}`,
    action: "mend the store and start the server again; runs that it has are still looked for each minute",
  };
}
