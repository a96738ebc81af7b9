import type { LocalStore } from "../stores/store.ts";
import type { Platform } from "./platform.ts";

/**
 * Shows that a writer lives: a lock that ends with the process or page, and a touch every 15 s for hosts that cannot
 * see it. A page that sleeps holds no lock, and who sleeps long may be closed by others: `woke` is called then.
 */

const touchMillis = 15_000;
/** A writer without lock that wrote nothing for so long is taken for dead. */
export const deadMillis = 60_000;
/** Who found the lock free before it was taken again writes its close a moment later: the next beat looks once more. */
const looks = 2;

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
  let wanted = true;
  let released = false;
  let doubts = 0;

  const letGo = (): void => {
    wanted = false;
    unlock?.();
    unlock = undefined;
  };
  const look = (): void => {
    if (wanted && doubts > 0) woke();
    doubts -= 1;
  };

  return {
    async hold(store, run, writer) {
      const name = writerLock(await store.id(), writer);
      const lock = async (): Promise<void> => {
        const taken = await store.locks.take(name, lost);
        if (wanted) unlock = taken;
        else taken?.();
      };
      const lost = (): void => {
        doubts = looks;
        if (wanted) void lock().then(look, untouched);
      };
      if (released) return;
      let last = Date.now();
      beatNow = () => store.touch(run, writer).catch(untouched);
      const beat = (): void => {
        if (Date.now() - last > deadMillis) doubts = looks;
        look();
        last = Date.now();
        void beatNow?.();
        cancel = platform.timer(beat, touchMillis);
      };
      cancel = platform.timer(beat, touchMillis);
      await lock();
    },
    async free() {
      await beatNow?.();
      letGo();
    },
    release() {
      released = true;
      cancel?.();
      letGo();
    },
  };
}

function untouched(): void {
  // Storage that cannot be used shows at the next write, with its reason.
}
