import type { Watched } from "../client/platform.ts";

/**
 * What a page or worker does to open runs. A page that is hidden, frozen or left may never run again: everything is
 * made durable then. It writes no end; whoever opens the store later closes what died. Where an event does not exist
 * (workers have no document) nothing listens.
 */
export interface BrowserLifecycle {
  /** Watches over a run; gives what stops watching. */
  watch(run: Watched): () => void;
}

export function createBrowserLifecycle(): BrowserLifecycle {
  const runs = new Set<Watched>();
  let stop: (() => void) | undefined;

  const flushAll = (): void => {
    for (const run of runs) run.flush();
  };
  const onlineAgain = (): void => {
    for (const run of runs) run.online();
  };

  const start = (): (() => void) => {
    const page = globalThis.document;
    // Who comes back may have mended what stood in the way: a permission, a server.
    const seen = (): void => {
      if (page?.visibilityState === "hidden") flushAll();
      else onlineAgain();
    };
    page?.addEventListener("visibilitychange", seen);
    page?.addEventListener("freeze", flushAll);
    globalThis.addEventListener?.("pagehide", flushAll);
    globalThis.addEventListener?.("online", onlineAgain);
    return () => {
      page?.removeEventListener("visibilitychange", seen);
      page?.removeEventListener("freeze", flushAll);
      globalThis.removeEventListener?.("pagehide", flushAll);
      globalThis.removeEventListener?.("online", onlineAgain);
    };
  };

  return {
    watch(run) {
      runs.add(run);
      stop ??= start();
      return () => {
        runs.delete(run);
        if (runs.size > 0) return;
        stop?.();
        stop = undefined;
      };
    },
  };
}
