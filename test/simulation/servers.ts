import { createRunLogServer, type RunLogServer } from "../../src/server/app.ts";
import type { LocalStore } from "../../src/stores/store.ts";
import { type FakeServer, fakeServer } from "../destinations/mlflow/fake-server.ts";
import type { Clock, Program } from "./clock.ts";
import type { Host, Reply } from "./network.ts";

/** A real run-log server as a program that may be killed and started again on the same disk. */
export interface SimulatedServer extends Host {
  readonly program: Program;
  crash(): void;
  start(): void;
}

export function createServer(name: string, clock: Clock, open: () => LocalStore): SimulatedServer {
  const inFlight = new Set<(reply: "broken") => void>();
  let program = clock.program(name);
  let app: RunLogServer;
  const start = (): void => {
    program = clock.program(name);
    app = program.run(() => createRunLogServer({ store: open() }));
  };
  start();
  return {
    name,
    get program() {
      return program;
    },
    start() {
      if (program.state === "ended") start();
    },
    crash() {
      program.end();
      for (const settle of inFlight) settle("broken");
      inFlight.clear();
    },
    handle(sent) {
      if (program.state === "ended") return Promise.resolve("refused");
      return new Promise((resolve) => {
        inFlight.add(resolve);
        const { method, url, headers, body } = sent;
        const init = { method, headers: headers.map(([key, value]) => [key, value] as [string, string]) };
        const answer = async (): Promise<void> => {
          const response = await app.fetch(new Request(url, body.length > 0 ? { ...init, body } : init));
          const bytes = new Uint8Array(await response.arrayBuffer());
          inFlight.delete(resolve);
          resolve({ status: response.status, headers: [...response.headers], body: bytes });
        };
        clock.after(0, program, () => void answer());
      });
    },
  };
}

/** MLflow with a fake server for each run; what it took is there for good. */
export interface SimulatedMlflow extends Host {
  /** uid -> what it holds. */
  readonly runs: ReadonlyMap<string, FakeServer>;
}

export function createMlflow(name: string): SimulatedMlflow {
  const runs = new Map<string, FakeServer>();
  const serverOf = (uid: string): FakeServer => {
    const found = runs.get(uid) ?? fakeServer();
    runs.set(uid, found);
    return found;
  };
  return {
    name,
    runs,
    async handle({ method, url, body }): Promise<Reply> {
      const { pathname, search } = new URL(url);
      const text = new TextDecoder().decode(body);
      const uid = /[0-9a-f]{32}/.exec(`${pathname}${search}${text}`)?.[0] ?? "none";
      // Each fake server calls its run r1; here that is the run of its uid.
      const answer = await serverOf(uid).call({
        method: method as "GET",
        path: `${pathname}${search}`.replaceAll(uid, "r1"),
        ...(text !== "" && { body: method === "PUT" ? text : text.replaceAll(uid, "r1") }),
      });
      const reply = answer.text.replaceAll('"r1"', `"${uid}"`).replaceAll("/r1/", `/${uid}/`);
      return {
        status: answer.status ?? 500,
        headers: [["content-type", "application/json"]],
        body: new TextEncoder().encode(reply) as Uint8Array<ArrayBuffer>,
      };
    },
  };
}
