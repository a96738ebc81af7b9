/** Serves a bundle of browser suites to one page and waits for what came of them. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import type { Outcome } from "./run-suites.ts";

/** Where the suites run: straight in the page, or in a module worker that the page starts. */
export type Place = "page" | "worker" | "shared worker" | "service worker";

/** A host with its one bundle. */
export interface Host {
  /** The page to open. */
  readonly url: string;
  /** What came of the suites; rejects after `limitMillis`, naming the test that ran then. */
  outcome(limitMillis: number): Promise<Outcome>;
  close(): Promise<void>;
}

const START: Record<Place, string> = {
  page: '<script type="module" src="/suites.js"></script>',
  worker: `<script type="module">
    const worker = new Worker("/suites.js", { type: "module" });
    worker.onerror = (event) => {
      const failed = [{ name: "the worker", message: event.message || "did not load" }];
      fetch("/outcome", { method: "POST", body: JSON.stringify({ passed: 0, skipped: 0, failed }) });
    };
  </script>`,
  "shared worker": `<script type="module">
    window.worker = new SharedWorker("/suites.js", { type: "module" });
  </script>`,
  // Without events it would be ended after half a minute.
  "service worker": `<script type="module">
    await navigator.serviceWorker.register("/suites.js", { type: "module" });
    const { active } = await navigator.serviceWorker.ready;
    setInterval(() => active.postMessage("go on"), 5_000);
  </script>`,
};

/** Listens on a free port of this machine. `provided` is what `inject` answers in the suites. */
export async function serveSuites(script: string, place: Place, provided: object): Promise<Host> {
  let running = "the suites had not started";
  const arrived = Promise.withResolvers<Outcome>();
  const pages: Record<string, [type: string, body: string]> = {
    "/": ["text/html; charset=utf-8", `<!doctype html><title>runlog tests</title>${START[place]}`],
    "/suites.js": ["text/javascript; charset=utf-8", script],
    "/provided.json": ["application/json", JSON.stringify(provided)],
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? "";
    if (path === "/running") running = await text(request);
    if (path === "/outcome") arrived.resolve(JSON.parse(await text(request)) as Outcome);
    const page = pages[path];
    const status = page !== undefined ? 200 : request.method === "POST" ? 204 : 404;
    response.writeHead(status, page === undefined ? {} : { "content-type": page[0] }).end(page?.[1]);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => arrived.reject(error));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the host got no port");
  return {
    url: `http://127.0.0.1:${address.port}/`,
    async outcome(limitMillis) {
      const limit = setTimeout(() => {
        arrived.reject(new Error(`the suites were not done after ${limitMillis} ms; last: ${running}`));
      }, limitMillis);
      return await arrived.promise.finally(() => clearTimeout(limit));
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
