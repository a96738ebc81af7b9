import { after } from "../quiet-timer.ts";
import type { OwnFile } from "./own-file.ts";

/** Bounds how many files a store keeps open: a server may write for thousands of writers. */
export interface HandlePool {
  /** Runs `work` with the file in use; afterwards it may be released whenever others need its place. */
  use<T>(file: OwnFile, work: () => Promise<T>): Promise<T>;
  /** Frees every handle that is not in use. */
  release(): Promise<void>;
}

const mostOpen = 64;
/** Nobody closes the store of a run: its file is closed when it rests, not by the garbage collector. */
const restMs = 10_000;

export function createHandlePool(): HandlePool {
  // In the order of their last use.
  const idle = new Set<OwnFile>();
  let stopTimer: (() => void) | undefined;
  const trim = async (most: number): Promise<void> => {
    while (idle.size > most) {
      const [oldest] = idle;
      if (oldest === undefined) return;
      idle.delete(oldest);
      // What was written is durable; a handle that cannot be closed has nothing more to say.
      await oldest.release().catch(() => undefined);
    }
  };
  return {
    async use(file, work) {
      idle.delete(file);
      const result = await work();
      idle.add(file);
      await trim(mostOpen);
      stopTimer ??= after(restMs, () => {
        stopTimer = undefined;
        void trim(0);
      });
      return result;
    },
    release() {
      stopTimer?.();
      stopTimer = undefined;
      return trim(0);
    },
  };
}
