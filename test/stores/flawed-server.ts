/** A real run-log store server whose answers a test can bend, and which counts what it is asked. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { createRunLogServer } from "../../src/server/app.ts";
import type { Store } from "../../src/stores/store.ts";

/** One request that came in. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | null;
  /** The lines of its body. */
  readonly lines: readonly string[];
}

/** How one request goes wrong: another answer, before or instead of the store's; or the connection breaks. */
export type Flaw = (asked: Asked, pass: () => Promise<Response>) => Promise<Response | "break">;

/** A running server. */
export interface Flawed {
  readonly url: string;
  readonly asked: Asked[];
  /** Behind it; may be replaced, as by a server that was wiped. */
  store: Store;
  /** What happens to requests; undefined: nothing. */
  flaw: Flaw | undefined;
  /** Requests that append. */
  posts(): readonly Asked[];
  stop(): Promise<void>;
}

/** Starts it on a free port. */
export async function flawedServer(store: Store): Promise<Flawed> {
  const asked: Asked[] = [];
  const flawed: Flawed = {
    url: "",
    asked,
    store,
    flaw: undefined,
    posts: () => asked.filter(({ method }) => method === "POST"),
    stop: async () => {},
  };
  const listener = getRequestListener(
    async (request, env) => {
      const body = request.method === "POST" ? new Uint8Array(await request.arrayBuffer()) : undefined;
      const one: Asked = {
        method: request.method,
        path: new URL(request.url).pathname,
        authorization: request.headers.get("authorization"),
        lines: body === undefined ? [] : new TextDecoder().decode(body).split("\n").filter(Boolean),
      };
      asked.push(one);
      const { method, headers } = request;
      const again = new Request(request.url, { method, headers, ...(body !== undefined && { body }) });
      const pass = (): Promise<Response> => createRunLogServer({ store: flawed.store }).fetch(again);
      const answer = (await flawed.flaw?.(one, pass)) ?? (await pass());
      if (answer !== "break") return answer;
      (env as { incoming: { socket: { destroy(): void } } }).incoming.socket.destroy();
      return new Response(null, { status: 500 });
    },
    { overrideGlobalObjects: false },
  );
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(flawed, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}
