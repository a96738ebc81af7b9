import type { Position } from "../model/records.ts";
import { checkRunId } from "../model/run-id.ts";
import type { Segment } from "../model/segment-line.ts";
import type { RunSummary } from "../read/summary.ts";
import { type Appended, appendTo, rowOf, saveRow } from "./indexeddb-append.ts";
import { type Connection, connectTo, type RunRow, transact } from "./indexeddb-connection.ts";
import { databaseHints } from "./indexeddb-hints.ts";
import { databaseLeases, databaseLedger } from "./indexeddb-ledger.ts";
import { readRun } from "./indexeddb-read.ts";
import { keepSummary, releasing } from "./indexeddb-release.ts";
import { sleeping } from "./indexeddb-sleep.ts";
import { pageSleep } from "./page-sleep.ts";
import type { LocalStore } from "./store.ts";
import { createSummaries } from "./summaries.ts";
import { watchChanges } from "./watch.ts";
import { webLocks } from "./web-locks.ts";

/**
 * A store in the browser's IndexedDB: database `runlog`, or `runlog:<name>`. All tabs and workers of an origin share
 * it. Opening waits for the first use; where IndexedDB is missing or refused every method rejects with
 * `storage_unavailable`.
 */
export function indexedDbStore(name?: string): LocalStore {
  const location = name === undefined ? "runlog" : `runlog:${name}`;
  const page = pageSleep();
  const connection = sleeping(connectTo(location), page);
  const hints = databaseHints(location, page);
  const rowFor = (run: string): Promise<RunRow | undefined> => {
    checkRunId(run);
    return connection.use((db) => db.get("runs", run));
  };
  async function* segments(run: string, from: Position = {}): AsyncGenerator<Segment> {
    const row = await rowFor(run);
    if (row !== undefined) yield* readRun(connection, row, from);
  }
  const released: string[] = [];
  const makingRoom = releasing(connection, released);
  const kept = async (run: string): Promise<RunSummary | undefined> => (await rowFor(run))?.kept?.summary;
  const versions = (): Promise<Map<string, string>> => versionsIn(connection, released);
  const watched = { hints, signature: (run?: string) => signature(connection, run) };

  return {
    kind: "indexeddb",
    location,
    released,
    ledger: databaseLedger(connection),
    locks: webLocks(databaseLeases(connection), page),
    segments,
    runs: createSummaries({ versions, segments, kept }),
    id: () => connection.use(async (db) => String(await db.get("meta", "id"))),
    async append(given) {
      const append = (): Promise<Appended> => connection.use((db) => appendTo(db, given));
      const { changed, problem, ended } = await makingRoom(given, append);
      // Where that fails the run is never released; nothing else is missing.
      for (const run of ended) await keepSummary(connection, run).catch(() => undefined);
      for (const run of changed) hints.emit(run);
      if (problem !== undefined) throw problem;
    },
    async position(run) {
      const writers = Object.entries((await rowFor(run))?.writers ?? {});
      return Object.fromEntries(writers.map(([writer, { next }]) => [writer, next]));
    },
    async delete(run) {
      await deleteRun(connection, checkRunId(run));
      hints.emit(run);
    },
    watch: (run, signal) => watchChanges(watched, run, signal),
    lastWrite: async (run, writer) => (await rowFor(run))?.writers[writer]?.lastWrite,
    touch: (run, writer) => touch(connection, checkRunId(run), writer),
    async close() {
      hints.close();
      connection.close();
    },
  };
}

async function versionsIn(connection: Connection, released: string[]): Promise<Map<string, string>> {
  const rows = await connection.use((db) => db.getAll("runs"));
  // A release changes no row: there is no room to.
  const version = (row: RunRow): string =>
    `${row.version}+${released.filter((run) => run === row.run).length}`;
  return new Map(rows.filter((row) => !row.deleted).map((row) => [row.run, version(row)]));
}

async function signature(connection: Connection, run: string | undefined): Promise<string> {
  if (run === undefined) return String(await connection.use((db) => db.get("meta", "changes")));
  return String((await connection.use((db) => db.get("runs", run)))?.version);
}

const perRun = ["segments", "ledger", "aside", "artifacts"] as const;

function deleteRun(connection: Connection, run: string): Promise<void> {
  return connection.use((db) =>
    transact(db, [...perRun, "runs", "meta"], async (tx) => {
      const all = IDBKeyRange.bound([run], [run, []]);
      for (const store of perRun) await tx.objectStore(store).delete(all);
      await saveRow(tx, { run, uid: undefined, deleted: true, version: 0, writers: {} });
    }),
  );
}

function touch(connection: Connection, run: string, writer: string): Promise<void> {
  return connection.use((db) =>
    transact(db, ["runs"], async (tx) => {
      const row = await rowOf(tx, run);
      const state = row.writers[writer];
      if (state === undefined) return;
      state.lastWrite = Date.now();
      // Not saveRow: a touch is no change to watch.
      await tx.objectStore("runs").put(row, run);
    }),
  );
}
