import { isRunlogError } from "../errors.ts";
import type { Segment } from "../model/segment-line.ts";
import { foldSegments } from "../read/fold.ts";
import { summarize } from "../read/summary.ts";
import { rowOf } from "./indexeddb-append.ts";
import { type Connection, type RunRow, transact } from "./indexeddb-connection.ts";
import { readRun } from "./indexeddb-read.ts";
import type { LedgerEntry } from "./store.ts";
import { collect } from "./summaries.ts";

/**
 * Room for what is tracked now, at the cost of runs that ended and are wholly delivered: their segments are removed,
 * those of the run that changed longest ago first, and no more than is needed. What stays of a run is noted at its end
 * already: a full database takes deletions and nothing else.
 */

/** Runs `append`; once more after runs made room, which go into `released`. After a release in vain there is no other. */
export function releasing(
  connection: Connection,
  released: string[],
): <T>(segments: readonly Segment[], append: () => Promise<T>) => Promise<T> {
  let inVain = false;
  return async function attempt(segments, append) {
    try {
      const appended = await append();
      inVain = false;
      return appended;
    } catch (error) {
      if (inVain || !isRunlogError(error, "storage_full")) throw error;
      const runs = await release(connection, segments);
      if (runs.length === 0) throw error;
      released.push(...runs);
      inVain = true;
      return attempt(segments, append);
    }
  };
}

/** Releases runs of as many bytes as `segments` have, where so many may go; gives which. */
function release(connection: Connection, segments: readonly Segment[]): Promise<string[]> {
  return connection.use((db) =>
    transact(db, ["runs", "ledger", "segments"], async (tx) => {
      const rows = await tx.objectStore("runs").getAll();
      const released: string[] = [];
      let missing = bytesOf(segments);
      for (const row of rows.sort((one, other) => one.version - other.version)) {
        const all = IDBKeyRange.bound([row.run], [row.run, []]);
        if (missing <= 0) break;
        if (segments.some(({ run }) => run === row.run)) continue;
        if (!isThere(row, await tx.objectStore("ledger").getAll(all))) continue;
        // Without a segment it was released before.
        if ((await tx.objectStore("segments").count(all)) === 0) continue;
        await tx.objectStore("segments").delete(all);
        released.push(row.run);
        missing -= row.kept?.bytes ?? 0;
      }
      return released;
    }),
  );
}

/** Whether every destination has all that ever came. What one set aside is whole here alone, as is a run log that MLflow could not take. */
function isThere({ kept, version, writers }: RunRow, ledger: readonly LedgerEntry[]): boolean {
  const whole = ledger.filter(
    ({ complete, parked, setAside, position, state }) =>
      complete &&
      !parked &&
      !setAside &&
      (state["runLog"] ?? "sent") === "sent" &&
      Object.entries(writers).every(([writer, { next }]) => (position[writer]?.[0] ?? 0) >= next),
  );
  return (
    kept?.version === version &&
    kept.summary.destinations.every(({ url }) => whole.some((entry) => entry.url === url))
  );
}

function bytesOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/** Notes what stays of a run should it be released, if it ended. */
export async function keepSummary(connection: Connection, run: string): Promise<void> {
  const row = await connection.use((db) => db.get("runs", run));
  if (row === undefined) return;
  const segments = await collect(readRun(connection, row, {}));
  const state = foldSegments(segments);
  // A run with nowhere to go is never released, nor one whose whole another host has.
  if (!state?.finished || !state.ended || state.joined || state.destinations.length === 0) return;
  const kept = { version: row.version, bytes: bytesOf(segments), summary: summarize(state) };
  await connection.use((db) =>
    transact(db, ["runs"], async (tx) => {
      const now = await rowOf(tx, run);
      if (now.version === row.version) await tx.objectStore("runs").put({ ...now, kept }, run);
    }),
  );
}
