import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB, type StoreNames } from "idb";
import { isRunlogError, messageOf, RunlogError } from "../errors.ts";
import { toHex } from "../model/run-id.ts";
import type { RunSummary } from "../read/summary.ts";
import { reopening } from "./reopening.ts";
import type { AsideItem, LedgerEntry } from "./store.ts";

/** The database's stores, and a connection that survives being closed from under us. */

export interface Schema extends DBSchema {
  /** The line of each segment, under [run, writer, seq]. */
  segments: { key: [string, string, number]; value: Uint8Array };
  runs: { key: string; value: RunRow };
  /** Under [run, destination]. */
  ledger: { key: [string, string]; value: LedgerEntry };
  /** Under [run, destination, writer, seq, index]. */
  aside: { key: [string, string, string, number, number]; value: AsideItem };
  artifacts: { key: [string, string]; value: Uint8Array };
  /**
   * `id`: the store's; `changes`: grows with each change of any run; `pause:<destination>`: a `Pause` as JSON;
   * `minReader`: the least version that may use the data, written by an upgrade that does more than add.
   */
  meta: { key: string; value: string | number };
  leases: { key: string; value: { token: string; touched: number } };
}

/** What the store knows of a run without reading its segments. */
export interface RunRow {
  run: string;
  uid: string | undefined;
  deleted: boolean;
  /** Grows with each change. */
  version: number;
  writers: Record<string, { next: number; lastWrite: number }>;
  /** What stays of it should its segments have to make room: noted at its end, where it has destinations. */
  kept?: KeptRun;
}

export interface KeptRun {
  /** The row's when this was noted; nothing came since while they are equal. */
  version: number;
  /** What its segments take. */
  bytes: number;
  summary: RunSummary;
}

export type Database = IDBPDatabase<Schema>;
export type Transaction = IDBPTransaction<Schema, StoreNames<Schema>[], "readwrite">;

export interface Connection {
  /** Runs `work` on the open database; again, a few times, on a new connection when one died under it. */
  use<T>(work: (db: Database) => Promise<T>): Promise<T>;
  close(): void;
}

const schemaVersion = 1;
const openMs = 5_000;
/** Upgrades only add to them: tabs with an older runlog go on. */
const stores: StoreNames<Schema>[] = ["segments", "runs", "ledger", "aside", "artifacts", "meta", "leases"];

/** @param name - the database's. It opens at the first use. */
export function connectTo(name: string): Connection {
  const { use, close } = reopening((lost) => open(name, lost), isLost);
  return {
    use: (work) =>
      use(work).catch((error: unknown) => {
        throw storageError(error, name);
      }),
    close,
  };
}

/** One strict transaction over `names`: resolves once it is durable, and leaves nothing behind when `work` throws. */
export async function transact<T>(
  db: Database,
  names: StoreNames<Schema>[],
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const tx = db.transaction(names, "readwrite", { durability: "strict" });
  const working = work(tx).catch((error: unknown) => {
    if (!isLost(error)) abort(tx);
    throw error;
  });
  const [worked, done] = await Promise.allSettled([working, tx.done]);
  // A request that failed says AbortError; why, the transaction knows (a full disk).
  if (worked.status === "rejected" && !isLost(worked.reason)) throw worked.reason;
  if (done.status === "rejected") throw done.reason;
  if (worked.status === "rejected") throw worked.reason;
  return worked.value;
}

/** Ends a transaction that may have ended already. */
export function abort(tx: Pick<IDBTransaction, "abort">): void {
  try {
    tx.abort();
  } catch (error) {
    // It has ended already, which is what was wanted.
    if (nameOf(error) !== "InvalidStateError") throw error;
  }
}

async function open(name: string, lost: () => void): Promise<Database> {
  if (typeof indexedDB === "undefined") {
    throw new RunlogError("storage_unavailable", "this host has no IndexedDB; runs are kept in memory only");
  }
  const opening = openVersion(name, lost);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const watchdog = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), openMs);
  });
  const db = await Promise.race([opening, watchdog]).finally(() => clearTimeout(timer));
  if (db !== undefined) return db;
  opening.then((late) => late.close()).catch(reported);
  throw new RunlogError(
    "storage_unavailable",
    `database '${name}' did not open within 5 s; close other tabs of this site, or reload`,
  );
}

async function openVersion(name: string, lost: () => void): Promise<Database> {
  // A newer runlog upgrades it: what is in flight here is finished, and the next use opens what that one made.
  const callbacks = { upgrade, blocking: lost, terminated: lost };
  // Whatever is there, else this version. Two tabs that asked for less than is there would make Firefox hang.
  const db = await openDB<Schema>(name, undefined, callbacks);
  if (db.version < schemaVersion) {
    db.close();
    return openDB<Schema>(name, schemaVersion, callbacks);
  }
  // Upgrades only add, so what this version knows is there.
  const least = db.version > schemaVersion ? Number(await db.get("meta", "minReader")) : 0;
  if (!(least > schemaVersion)) return db;
  db.close();
  throw new RunlogError(
    "storage_unavailable",
    `a newer runlog wrote database '${name}'; reload this page to get the newer runlog`,
  );
}

function upgrade(db: Database, oldVersion: number, _newVersion: number | null, tx: unknown): void {
  for (const store of stores) if (!db.objectStoreNames.contains(store)) db.createObjectStore(store);
  if (oldVersion > 0) return;
  const random = crypto.getRandomValues(new Uint8Array(16));
  const meta = (tx as IDBPTransaction<Schema, StoreNames<Schema>[], "versionchange">).objectStore("meta");
  void meta.put(toHex(random), "id");
}

/** True when the connection may have ended rather than the work been wrong: worth a new connection. */
function isLost(error: unknown): boolean {
  return ["InvalidStateError", "AbortError", "UnknownError"].includes(nameOf(error));
}

function storageError(error: unknown, name: string): unknown {
  if (isRunlogError(error)) return error;
  if (nameOf(error) === "QuotaExceededError") {
    const message = `database '${name}' is full; delete runs or other data of this site, or free disk space`;
    return new RunlogError("storage_full", message, { cause: error });
  }
  const message = `database '${name}' cannot be used (${nameOf(error)}: ${messageOf(error)}); allow this site to store data, or reload`;
  return new RunlogError("storage_unavailable", message, { cause: error });
}

function nameOf(error: unknown): string {
  return String((error as { name?: unknown } | undefined)?.name);
}

function reported(): void {
  // Whoever waited for this connection got the error; here only its handle is given back.
}
