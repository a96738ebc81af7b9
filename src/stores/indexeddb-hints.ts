import { createHints, type Hints } from "./watch.ts";

/**
 * Hints between the tabs and workers of an origin, by a BroadcastChannel that is open only while somebody watches: an
 * open channel keeps some browsers from freezing a page into their back-forward cache.
 */
export function databaseHints(name: string): Hints {
  const here = createHints();
  const channels = new Set<BroadcastChannel>();
  return {
    emit(run) {
      here.emit(run);
      tell(name, run);
    },
    subscribe(listener) {
      const unsubscribe = here.subscribe(listener);
      const channel = openChannel(name);
      if (channel === undefined) return unsubscribe;
      channel.onmessage = ({ data }) => listener(String(data));
      channels.add(channel);
      return () => {
        unsubscribe();
        channel.close();
        channels.delete(channel);
      };
    },
    close() {
      here.close();
      for (const channel of channels) channel.close();
      channels.clear();
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
