import { toHex } from "../model/run-id.ts";
import { every } from "./quiet-timer.ts";
import type { ForcibleLocks } from "./signs-of-life.ts";

/**
 * Locks where nothing ends with its holder: a lease that says when it was last touched. Its holder touches it each
 * 15 s; after 60 s of silence it is free. A holder that slept past that may meet another: locks save work only.
 */

/** Keeps leases. `claim` must be atomic between all that use the table. */
export interface LeaseTable {
  /**
   * Writes `now` under the name if it is free, stale or held by this token; false when another holds it.
   * @param force writes it also then
   */
  claim(name: string, token: string, now: number, force?: boolean): Promise<boolean>;
  /** Removes the lease if this token holds it. */
  release(name: string, token: string): Promise<void>;
  /** When the lease was last touched. */
  touched(name: string): Promise<number | undefined>;
}

const touchMs = 15_000;
const staleMs = 60_000;

/** True for a lease that nobody has touched for 60 s, or that lies in the future after the clock went back. */
export function isStale(touched: number, now: number): boolean {
  return Math.abs(now - touched) > staleMs;
}

export function leaseLocks(table: LeaseTable): ForcibleLocks {
  return {
    async take(name, lost, force) {
      const token = toHex(crypto.getRandomValues(new Uint8Array(8)));
      if (!(await table.claim(name, token, Date.now(), force))) return undefined;
      const touch = async (): Promise<void> => {
        if (await table.claim(name, token, Date.now())) return;
        stop();
        lost?.();
      };
      const stop = every(touchMs, () => void touch().catch(untouched));
      return () => {
        stop();
        void table.release(name, token).catch(untouched);
      };
    },
    async held(name) {
      const touched = await table.touched(name);
      return touched !== undefined && !isStale(touched, Date.now());
    },
  };
}

function untouched(): void {
  // A lease that cannot be touched runs out by itself, which is all that a lock promises; storage trouble shows at writes.
}
