/** Servers of one test, and callers that ask them. */
import type { ServerResponse } from "node:http";
import { afterEach } from "vitest";
import type { Answer } from "../../src/http/answer.ts";
import { type Caller, createCaller } from "../../src/http/caller.ts";
import type { Credentials } from "../../src/sync/destination.ts";
import { type Got, type Scripted, scriptedServer } from "./scripted-server.ts";

const running: Scripted[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

/** A server that is stopped after its test. */
export async function serving(answer: (got: Got, response: ServerResponse) => void): Promise<Scripted> {
  const server = await scriptedServer(answer);
  running.push(server);
  return server;
}

/** A server that gives one answer to everything. */
export function always(status: number, body = "", headers: Record<string, string> = {}): Promise<Scripted> {
  return serving((_, response) => response.writeHead(status, headers).end(body));
}

/** The caller of a destination there. */
export function callerOf(url: string, credentials: Credentials = {}): Caller {
  return createCaller({
    kind: "runlog",
    url,
    credentials,
    probe: "/healthz",
    originAdvice: (origin) => `let ${origin} in`,
  });
}

/** Asks for something there. */
export function get(server: Scripted, credentials: Credentials = {}): Promise<Answer> {
  return callerOf(server.url, credentials)({ method: "GET", path: "/v1/thing?secret=1" });
}
