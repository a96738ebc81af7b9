import type { LocalStore } from "../stores/store.ts";
import type { Platform } from "./platform.ts";

/**
 * Shows that a writer lives: a lock that ends with the process or page, and a touch every 15 s for hosts that cannot
 * see it. After a long sleep somebody may have closed the run: then `woke` is called.
 */

const touchMillis = 15_000;
/** A writer without lock that wrote nothing for so long is taken for dead. */
export const deadMillis = 60_000;

export interface Lease {
  hold(store: LocalStore, run: string, writer: string): Promise<void>;
  /** Frees the lock, so that another writer may take over, and still shows life by touching. */
  free(): Promise<void>;
  /** Ends it. */
  release(): void;
}

/** The lock's name for a writer. */
export function writerLock(storeId: string, writer: string): string {
  return `writer:${storeId}:${writer}`;
}

export function createLease(platform: Platform, woke: () => void): Lease {
  let unlock: (() => void) | undefined;
  let beatNow: (() => Promise<void>) | undefined;
  let cancel: (() => void) | undefined;
  let released = false;

  return {
    async hold(store, run, writer) {
      if (released) return;
      unlock = await store.locks.take(writerLock(await store.id(), writer));
      if (released) {
        unlock?.();
        return;
      }
      let last = Date.now();
      // A folder that cannot be touched shows at the next write, with its reason.
      beatNow = () => store.touch(run, writer).catch(() => undefined);
      const beat = (): void => {
        if (Date.now() - last > deadMillis) woke();
        last = Date.now();
        void beatNow?.();
        cancel = platform.timer(beat, touchMillis);
      };
      cancel = platform.timer(beat, touchMillis);
    },
    async free() {
      await beatNow?.();
      unlock?.();
      unlock = undefined;
    },
    release() {
      released = true;
      cancel?.();
      unlock?.();
      unlock = undefined;
    },
  };
}
