import type { RunSummary } from "../read/summary.ts";
import type { LedgerEntry, LocalStore } from "../stores/store.ts";
import type { Problem } from "../sync/destination.ts";

/** Where one run stands with one destination, by the ledger. */
export interface Standing {
  readonly run: string;
  /** Observations confirmed there. */
  readonly delivered: number;
  /** Observations still to go; at least 1 while anything is, the run's end included. */
  readonly pending: number;
  /** Observations that it refused for good. */
  readonly setAside: number;
  /** Why this run alone cannot go there. */
  readonly parked?: Problem;
}

/** Reads the ledger; asks no destination. @param name the ledger's name of the destination */
export async function standingsOf(
  store: LocalStore,
  name: string,
  runs: readonly RunSummary[],
): Promise<Standing[]> {
  const standings: Standing[] = [];
  for (const summary of runs) standings.push(standing(summary, await store.ledger.read(summary.run, name)));
  return standings;
}

function standing({ run, observations }: RunSummary, entry: LedgerEntry | undefined): Standing {
  const delivered = entry?.delivered ?? 0;
  const setAside = entry?.setAside ?? 0;
  const left = Math.max(0, observations - delivered - setAside);
  const pending = entry?.complete === true ? left : Math.max(1, left);
  return { run, delivered, pending, setAside, ...(entry?.parked !== undefined && { parked: entry.parked }) };
}
