import { RunlogError } from "../errors.ts";
import type { AsideItem, Ledger, LedgerEntry, Pause } from "./store.ts";

/** The ledger of a store in memory, and what forgets a run in it. */
export function memoryLedger(): { ledger: Ledger; forget(run: string): void } {
  const entries = new Map<string, LedgerEntry>();
  const asides = new Map<string, Map<string, AsideItem>>();
  const pauses = new Map<string, Pause | undefined>();
  const keyOf = (run: string, destination: string): string => `${run}/${destination}`;
  const ledger: Ledger = {
    read: async (run, destination) => entries.get(keyOf(run, destination)),
    async write(run, destination, entry) {
      checkFollows(run, entries.get(keyOf(run, destination)), entry);
      entries.set(keyOf(run, destination), structuredClone(entry));
    },
    async setAside(run, destination, item) {
      const items = asides.get(keyOf(run, destination)) ?? new Map<string, AsideItem>();
      items.set(`${item.writer}-${item.seq}-${item.index}`, structuredClone(item));
      asides.set(keyOf(run, destination), items);
    },
    aside: async (run, destination) =>
      [...(asides.get(keyOf(run, destination))?.values() ?? [])].sort(inOrder),
    pause: async (destination) => pauses.get(destination),
    async setPause(destination, pause) {
      pauses.set(destination, pause);
    },
  };
  const forget = (run: string): void => {
    for (const map of [entries, asides]) {
      for (const key of map.keys()) if (key.startsWith(`${run}/`)) map.delete(key);
    }
  };
  return { ledger, forget };
}

/**
 * Every ledger's rule for a write: it follows what is kept. An entry without a version is a first one.
 * @throws {RunlogError} `ledger_moved` when somebody else wrote meanwhile
 */
export function checkFollows(run: string, kept: LedgerEntry | undefined, entry: LedgerEntry): void {
  if ((entry.version ?? 1) === (kept?.version ?? 0) + 1) return;
  throw new RunlogError("ledger_moved", `another courier delivers run '${run}' just now; try again later`);
}

/** The order in which set-aside items are listed: by writer, segment and index. */
export function inOrder(one: AsideItem, other: AsideItem): number {
  if (one.writer !== other.writer) return one.writer < other.writer ? -1 : 1;
  return one.seq - other.seq || one.index - other.index;
}
