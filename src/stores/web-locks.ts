import { type LeaseTable, leaseLocks } from "./lease-locks.ts";
import type { PageSleep } from "./page-sleep.ts";
import { type ForcibleLocks, takenFromSilent } from "./signs-of-life.ts";
import type { Locks } from "./store.ts";

/**
 * Web Locks, which end with their page or worker. Pages without them (http on a LAN is no secure context) lease in
 * `table` instead. A page that sleeps holds none.
 */
export function webLocks(table: LeaseTable, page: PageSleep): Locks {
  const leases = leaseLocks(table);
  const manager = (): LockManager | undefined => globalThis.navigator?.locks;
  const locks: ForcibleLocks = {
    async take(name, lost, force) {
      await page.awake();
      const web = manager();
      const free = await (web === undefined
        ? leases.take(name, lost, force)
        : request(web, name, lost, force));
      if (free === undefined) return undefined;
      const unwatch = page.before(() => {
        letGo();
        lost?.();
      });
      const letGo = (): void => {
        unwatch();
        free();
      };
      return letGo;
    },
    async held(name) {
      const web = manager();
      if (web === undefined) return leases.held(name);
      const { held = [] } = await web.query();
      return held.some((lock) => lock.name === name);
    },
  };
  return takenFromSilent(locks, page);
}

function request(
  locks: LockManager,
  name: string,
  lost: (() => void) | undefined,
  force = false,
): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    const hold = (lock: Lock | null): Promise<void> | undefined => {
      if (lock === null) return void resolve(undefined);
      // The lock is held until this promise resolves.
      return new Promise((release) => resolve(() => release()));
    };
    const failed = (error: unknown): void => {
      reject(error);
      // Where it was granted before, somebody has stolen it.
      lost?.();
    };
    locks.request(name, force ? { steal: true } : { ifAvailable: true }, hold).catch(failed);
  });
}
