import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";

/**
 * `fetch` whose requests do not keep a process from ending: a courier's work in the background, which the next courier
 * can go on with. Whoever waits for delivery holds the process by the timer of that wait. Node's fetch offers no such
 * setting, but publishes the socket of each request. Where it does not (Deno, Bun), requests hold the process.
 */
export function createBackgroundFetch(): typeof fetch {
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

  return (...parameters) => {
    if (!listening) listen();
    return inBackground.run(true, () => globalThis.fetch(...parameters));
  };
}

function partOf(message: unknown, name: string): object | undefined {
  const part = (message as Record<string, unknown> | null)?.[name];
  return typeof part === "object" && part !== null ? part : undefined;
}
