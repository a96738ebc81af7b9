import { createCaller } from "../http/caller.ts";
import type { LedgerEntry, LocalStore } from "../stores/store.ts";
import { type Carried, createCourier } from "./courier.ts";
import type { Destination, Problem } from "./destination.ts";

/** What one `sync` of a store with one destination came to. */
export interface SyncResult {
  /** What the ledger knows of each run now. */
  readonly runs: ReadonlyMap<string, LedgerEntry | undefined>;
  /** Why it did not go on, when it did not. */
  readonly problem?: Problem;
}

/**
 * Delivers `runs` of a store to a destination: asks it for each run whether it still has what it had confirmed, and
 * tries those parked before. Resolves when all is there, when it cannot
 * go on, after three failed tries in a row, or at `signal`.
 */
export async function syncRuns(
  store: LocalStore,
  destination: Destination,
  runs: readonly Carried[],
  signal: AbortSignal,
): Promise<SyncResult> {
  const courier = createCourier({
    store,
    destination,
    call: createCaller(destination),
    // It works while somebody waits, never by itself.
    timer: () => () => undefined,
    others: () => noOthers,
    verify: true,
  });
  for (const run of runs) courier.carry(run);
  try {
    await courier.drain(signal);
    const entries = new Map(runs.map(({ run }) => [run, courier.entry(run)]));
    return { runs: entries, ...(courier.problem !== undefined && { problem: courier.problem }) };
  } finally {
    courier.stop();
  }
}

const noOthers: AsyncIterable<Carried> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
};
