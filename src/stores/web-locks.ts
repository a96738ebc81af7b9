import { type LeaseTable, leaseLocks } from "./lease-locks.ts";
import type { Locks } from "./store.ts";

/**
 * Web Locks, which end with their page or worker. Pages without them (http on a LAN is no secure context) lease in
 * `table` instead.
 */
export function webLocks(table: LeaseTable): Locks {
  const leases = leaseLocks(table);
  const manager = (): LockManager | undefined => globalThis.navigator?.locks;
  return {
    async take(name) {
      const locks = manager();
      return locks === undefined ? leases.take(name) : request(locks, name);
    },
    async held(name) {
      const locks = manager();
      if (locks === undefined) return leases.held(name);
      const { held = [] } = await locks.query();
      return held.some((lock) => lock.name === name);
    },
  };
}

function request(locks: LockManager, name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    const hold = (lock: Lock | null): Promise<void> | undefined => {
      if (lock === null) return void resolve(undefined);
      // The lock is held until this promise resolves.
      return new Promise((release) => resolve(() => release()));
    };
    locks.request(name, { ifAvailable: true }, hold).catch(reject);
  });
}
