import type { PageSleep } from "./page-sleep.ts";
import { createHints, type Hints } from "./watch.ts";

/**
 * Hints between the tabs and workers of an origin, by a BroadcastChannel that is open only while somebody watches in a
 * page that is awake: a sleeping page that hears something is thrown away.
 */
export function databaseHints(name: string, page: PageSleep): Hints {
  const here = createHints();
  const closers = new Set<() => void>();
  return {
    emit(run) {
      here.emit(run);
      tell(name, run);
    },
    subscribe(listener) {
      const unsubscribe = here.subscribe(listener);
      let channel: BroadcastChannel | undefined;
      const open = (): void => {
        channel = openChannel(name);
        if (channel !== undefined) channel.onmessage = ({ data }) => listener(String(data));
      };
      const close = (): void => channel?.close();
      const unwatch = page.before(() => {
        close();
        void page.awake().then(() => closers.has(end) && open());
      });
      const end = (): void => {
        unwatch();
        close();
        closers.delete(end);
      };
      closers.add(end);
      open();
      return () => {
        unsubscribe();
        end();
      };
    },
    close() {
      here.close();
      for (const end of closers) end();
    },
    get closed() {
      return here.closed;
    },
  };
}

function tell(name: string, run: string): void {
  const channel = openChannel(name);
  channel?.postMessage(run);
  channel?.close();
}

function openChannel(name: string): BroadcastChannel | undefined {
  return typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel(name);
}
