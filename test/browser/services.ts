/**
 * Helper HTTP services that browser suites talk to (a run-log store, an MLflow server).
 * Every harness starts them once before its browsers and stops them after; a suite reads
 * an address with `services()` of `test/browser/page.ts`.
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "../../src/server/serve.ts";
import { memoryStore } from "../../src/stores/memory.ts";

/** Running services: their addresses by name, and how to end them. */
export interface Services {
  readonly urls: Record<string, string>;
  stop(): Promise<void>;
}

/** One helper: gives its address and how to end it, or `undefined` where it is missing on this machine. */
type Starter = () => Promise<{ url: string; stop(): Promise<void> } | undefined>;

/** Name -> starter. Add one line for each helper. */
const STARTERS: Record<string, Starter> = {
  runlog: runLogServer,
  refusing: refusingServer,
};

/** Starts every helper; when one fails, those already up are stopped before the error passes on. */
export async function startServices(): Promise<Services> {
  const urls: Record<string, string> = {};
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(stops.splice(0).map((end) => end()));
  };
  try {
    for (const [name, start] of Object.entries(STARTERS)) {
      const service = await start();
      if (service === undefined) continue;
      urls[name] = service.url;
      stops.push(() => service.stop());
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { urls, stop };
}

/** A run-log store in memory. */
async function runLogServer(): ReturnType<Starter> {
  const { url, close } = await serve({ store: memoryStore(), port: 0 });
  return { url, stop: close };
}

/** A server that is up but answers no page: it sends no CORS headers. */
async function refusingServer(): ReturnType<Starter> {
  const server = createServer((_, response) => response.writeHead(403).end("{}"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}
