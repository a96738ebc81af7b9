import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { ValidationError } from "../errors.ts";
import { createRunLogServer, type RunLogServerOptions } from "./app.ts";
import { isLoopback } from "./guard.ts";
import { HttpProblem, problemResponse } from "./problem.ts";

export interface ServeOptions extends RunLogServerOptions {
  /** 0 takes a free one. @default 4000 */
  readonly port?: number;
  /** An address of this machine: without tokens nobody else may come in. @default "127.0.0.1" */
  readonly host?: string;
}

/** A running run-log store server. */
export interface Serving {
  readonly url: string;
  readonly port: number;
  /** Takes no more requests, finishes those in flight (cut off after 10 s) and frees the port. The store stays open. */
  close(): Promise<void>;
}

const graceMs = 10_000;

/**
 * Serves a store over HTTP in Node. Resolves once it listens.
 * @throws {ValidationError} for a host that others reach
 * @throws {Error} of the system, when the port is taken
 */
export async function serve({
  port = 4_000,
  host = "127.0.0.1",
  ...options
}: ServeOptions): Promise<Serving> {
  if (!isLoopback(host)) {
    throw new ValidationError(
      "host",
      `must be 127.0.0.1, ::1 or localhost, found '${host}': there are no tokens yet`,
    );
  }
  const app = createRunLogServer(options);
  const server = createServer(
    getRequestListener((request) => app.fetch(request), {
      overrideGlobalObjects: false,
      errorHandler: badRequest,
    }),
  );
  let closing: Promise<void> | undefined;
  // Kept-alive connections would hold a closing server open after their last answer.
  server.on("request", (_, response) => {
    if (closing !== undefined) response.setHeader("connection", "close");
    response.once("close", () => closing !== undefined && server.closeIdleConnections());
  });
  await listen(server, port, host);
  const address = server.address() as AddressInfo;
  const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    port: address.port,
    url: `http://${name}:${address.port}`,
    close: () => {
      closing ??= closeGracefully(server);
      return closing;
    },
  };
}

/** What never became a request: a Host or a URL that cannot be read. */
function badRequest(): Response {
  return problemResponse(
    new HttpProblem(400, { code: "invalid", detail: "the URL or the Host header cannot be read" }),
  );
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function closeGracefully(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
