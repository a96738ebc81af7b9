import { unwrap, wrap } from "idb";
import { abort, type Connection, type Database } from "./indexeddb-connection.ts";
import type { PageSleep } from "./page-sleep.ts";

/**
 * A connection that leaves no transaction open in a page that sleeps: it would hold up every other tab. It is aborted,
 * and what it was for is done again when the page wakes.
 */
export function sleeping(connection: Connection, page: PageSleep): Connection {
  const live = new Set<IDBTransaction>();
  const watched = new WeakSet<Database>();
  let unwatch: (() => void) | undefined;
  const abortAll = (): void => {
    for (const tx of live) abort(tx);
  };
  /** Every transaction of the database, also those behind idb's shortcuts. */
  const watch = (db: Database): void => {
    if (watched.has(db)) return;
    watched.add(db);
    const raw = unwrap(db);
    raw.transaction = (...given) => {
      const tx = IDBDatabase.prototype.transaction.apply(raw, given);
      const ended = (): void => void live.delete(tx);
      // Who reads waits for the request alone, and hears there that it was aborted.
      wrap(tx).done.catch(ended);
      live.add(tx);
      tx.addEventListener("complete", ended);
      tx.addEventListener("abort", ended);
      if (page.asleep) queueMicrotask(abortAll);
      return tx;
    };
  };
  /** An aborted transaction looks like a lost connection; a sleeping page must not open another. */
  const failed = (error: unknown): never => {
    throw page.asleep ? new Error("the page sleeps") : error;
  };
  const use: Connection["use"] = async (work) => {
    await page.awake();
    unwatch ??= page.before(abortAll);
    try {
      return await connection.use(async (db) => {
        watch(db);
        return await work(db).catch(failed);
      });
    } catch (error) {
      if (page.asleep) return await use(work);
      throw error;
    }
  };
  return {
    use,
    close() {
      unwatch?.();
      unwatch = undefined;
      connection.close();
    },
  };
}
