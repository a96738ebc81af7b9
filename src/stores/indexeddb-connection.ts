import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB, type StoreNames } from "idb";
import { isRunlogError, messageOf, RunlogError } from "../errors.ts";
import { toHex } from "../model/run-id.ts";
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
  /** `id`: the store's; `changes`: grows with each change of any run; `pause:<destination>`: a `Pause` as JSON. */
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
}

export type Database = IDBPDatabase<Schema>;
export type Transaction = IDBPTransaction<Schema, StoreNames<Schema>[], "readwrite">;

export interface Connection {
  /** Runs `work` on the open database; once more on a new connection when the first was closed under it. */
  use<T>(work: (db: Database) => Promise<T>): Promise<T>;
  close(): void;
}

const schemaVersion = 1;
const openMs = 5_000;
const stores: StoreNames<Schema>[] = ["segments", "runs", "ledger", "aside", "artifacts", "meta", "leases"];

/** @param name - the database's. It opens at the first use. */
export function connectTo(name: string): Connection {
  let opening: Promise<Database> | undefined;
  const drop = (): void => {
    opening?.then((db) => db.close()).catch(reported);
    opening = undefined;
  };
  const database = (): Promise<Database> => {
    opening ??= open(name, drop).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  return {
    async use(work) {
      try {
        return await work(await database());
      } catch (error) {
        if (!isLost(error)) throw storageError(error, name);
      }
      drop();
      try {
        return await work(await database());
      } catch (error) {
        throw storageError(error, name);
      }
    },
    close: drop,
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

function abort(tx: Transaction): void {
  try {
    tx.abort();
  } catch (error) {
    // It has ended already, which is what was wanted.
    if (nameOf(error) !== "InvalidStateError") throw error;
  }
}

async function open(name: string, drop: () => void): Promise<Database> {
  if (typeof indexedDB === "undefined") {
    throw new RunlogError("storage_unavailable", "this host has no IndexedDB; runs are kept in memory only");
  }
  const opening = openVersion(name, drop);
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

async function openVersion(name: string, drop: () => void): Promise<Database> {
  const callbacks = { upgrade, blocking: drop, terminated: drop };
  try {
    return await openDB<Schema>(name, schemaVersion, callbacks);
  } catch (error) {
    // A newer runlog made it: upgrades only add, so what this version knows is there.
    if (nameOf(error) !== "VersionError") throw error;
    return openDB<Schema>(name, undefined, { blocking: drop, terminated: drop });
  }
}

function upgrade(db: Database, _oldVersion: number, _newVersion: number | null, tx: unknown): void {
  for (const store of stores) db.createObjectStore(store);
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
