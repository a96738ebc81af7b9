/** A real HTTP server in the place of a run-log store: it does as a test says, until it turns into a real one. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { createRunLogServer } from "../../src/server/app.ts";
import type { Store } from "../../src/stores/store.ts";

export type Behaviour = (response: ServerResponse, request: IncomingMessage, store: Store) => unknown;

export interface Hostile {
  readonly url: string;
  /** Requests that came while it was hostile. */
  readonly asked: number;
  /** From now on it is a real store; what hangs is cut. */
  turnGood(): void;
  stop(): Promise<void>;
}

export async function hostileServer(store: Store, behaviour: Behaviour): Promise<Hostile> {
  let good = false;
  let asked = 0;
  const real = getRequestListener(createRunLogServer({ store }).fetch, { overrideGlobalObjects: false });
  const server = createServer((request, response) => {
    response.on("error", () => response.destroy());
    if (good) return void real(request, response);
    asked += 1;
    void behaviour(response, request, store);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get asked() {
      return asked;
    },
    turnGood() {
      good = true;
      server.closeAllConnections();
    },
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
