import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";

/** Requests that do not keep a process from ending: work in the background, which the next courier can go on with. */
export interface BackgroundFetch {
  readonly fetch: typeof fetch;
  /** Nobody waits for what is in flight any more. */
  letGo(): void;
}

/** Whoever waits for delivery holds the process by the timer of that wait. */
export function createBackgroundFetch(): BackgroundFetch {
  const { bun, deno } = process.versions;
  return bun === undefined && deno === undefined ? unreferenced() : abandonable();
}

/** Deno's and Bun's requests hold the process as long as they last: those that nobody waits for are given up. */
function abandonable(): BackgroundFetch {
  const inFlight = new Set<AbortController>();
  return {
    async fetch(input, init) {
      const given = new AbortController();
      const asked = init?.signal ?? (input instanceof Request ? input.signal : undefined);
      const signal = asked ? AbortSignal.any([asked, given.signal]) : given.signal;
      inFlight.add(given);
      try {
        return await globalThis.fetch(input, { ...init, signal });
      } finally {
        inFlight.delete(given);
      }
    },
    letGo() {
      for (const each of inFlight) each.abort(new Error("the server had not answered when finish() gave up"));
    },
  };
}

/** Node's fetch offers no such setting, but publishes the socket of each request. */
function unreferenced(): BackgroundFetch {
  const inBackground = new AsyncLocalStorage<true>();
  const requests = new WeakSet<object>();
  let listening = false;

  const listen = (): void => {
    listening = true;
    subscribe("undici:request:create", (message) => {
      const request = partOf(message, "request");
      if (request !== undefined && inBackground.getStore() === true) requests.add(request);
    });
    subscribe("undici:client:sendHeaders", (message) => {
      const request = partOf(message, "request");
      const socket = partOf(message, "socket") as { unref?: () => void } | undefined;
      if (request !== undefined && requests.has(request)) socket?.unref?.();
    });
  };

  return {
    fetch(...parameters) {
      if (!listening) listen();
      return inBackground.run(true, () => globalThis.fetch(...parameters));
    },
    letGo: () => undefined,
  };
}

function partOf(message: unknown, name: string): object | undefined {
  const part = (message as Record<string, unknown> | null)?.[name];
  return typeof part === "object" && part !== null ? part : undefined;
}
