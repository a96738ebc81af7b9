import { checkRunId } from "../model/run-id.ts";
import { type Connection, transact } from "./indexeddb-connection.ts";
import { isStale, type LeaseTable } from "./lease-locks.ts";
import { checkFollows } from "./memory-ledger.ts";
import type { Ledger, Pause } from "./store.ts";

/** The ledger in the database. */
export function databaseLedger(connection: Connection): Ledger {
  return {
    read: (run, destination) => connection.use((db) => db.get("ledger", [checkRunId(run), destination])),
    write: (run, destination, entry) =>
      connection.use((db) =>
        transact(db, ["ledger"], async (tx) => {
          const ledger = tx.objectStore("ledger");
          const key: [string, string] = [checkRunId(run), destination];
          checkFollows(run, await ledger.get(key), entry);
          await ledger.put(entry, key);
        }),
      ),
    setAside: (run, destination, item) =>
      connection.use((db) =>
        transact(db, ["aside"], async (tx) => {
          await tx
            .objectStore("aside")
            .put(item, [checkRunId(run), destination, item.writer, item.seq, item.index]);
        }),
      ),
    aside: (run, destination) => {
      const all = IDBKeyRange.bound([checkRunId(run), destination], [run, destination, []]);
      return connection.use((db) => db.getAll("aside", all));
    },
    async pause(destination) {
      const text = await connection.use((db) => db.get("meta", pauseKey(destination)));
      return typeof text === "string" ? (JSON.parse(text) as Pause) : undefined;
    },
    setPause: (destination, pause) =>
      connection.use((db) =>
        transact(db, ["meta"], async (tx) => {
          const meta = tx.objectStore("meta");
          if (pause === undefined) await meta.delete(pauseKey(destination));
          else await meta.put(JSON.stringify(pause), pauseKey(destination));
        }),
      ),
  };
}

function pauseKey(destination: string): string {
  return `pause:${destination}`;
}

/** Leases in the database, for pages without Web Locks. */
export function databaseLeases(connection: Connection): LeaseTable {
  return {
    claim: (name, token, now, force) =>
      connection.use((db) =>
        transact(db, ["leases"], async (tx) => {
          const leases = tx.objectStore("leases");
          const lease = await leases.get(name);
          const free =
            force === true || lease === undefined || lease.token === token || isStale(lease.touched, now);
          if (free) await leases.put({ token, touched: now }, name);
          return free;
        }),
      ),
    release: (name, token) =>
      connection.use((db) =>
        transact(db, ["leases"], async (tx) => {
          const leases = tx.objectStore("leases");
          if ((await leases.get(name))?.token === token) await leases.delete(name);
        }),
      ),
    touched: async (name) => (await connection.use((db) => db.get("leases", name)))?.touched,
  };
}
