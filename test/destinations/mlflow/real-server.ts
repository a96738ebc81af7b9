/** What the suites against a real server share: the server, a counting proxy before it, and a destination. */
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { mlflow } from "../../../src/destinations/mlflow/index.ts";
import type { Destination } from "../../../src/sync/destination.ts";
import { type Mlflow, startMlflow } from "../../env/mlflow-server.ts";
import type { Held } from "./harness.ts";
import { type CountingProxy, startProxy } from "./proxy.ts";

/** For tests that start Python, which takes seconds on a busy machine. */
export const patient = { timeout: 180_000 };

export interface RealServer {
  /** Of the server itself, past the proxy. */
  readonly url: string;
  readonly server: Mlflow;
  /** New for each test. */
  readonly proxy: CountingProxy;
  /** Goes through the proxy. */
  readonly destination: Destination;
  /** Bodies of the log-batch requests so far. */
  batches(): string[];
}

/** Starts one server for the suite that calls it. */
export function realServer(): RealServer {
  let server: Mlflow | undefined;
  let proxy: CountingProxy | undefined;
  let destination: Destination | undefined;
  beforeAll(async () => {
    server = await startMlflow();
  });
  afterAll(async () => {
    await server?.stop();
  });
  beforeEach(async () => {
    proxy = await startProxy(started(server).url);
    destination = mlflow(proxy.url);
  });
  afterEach(async () => {
    await proxy?.stop();
  });
  return {
    get url() {
      return started(server).url;
    },
    get server() {
      return started(server);
    },
    get proxy() {
      return started(proxy);
    },
    get destination() {
      return started(destination);
    },
    batches: () =>
      started(proxy)
        .seen.filter(({ path }) => path.endsWith("/log-batch"))
        .map(({ body }) => body),
  };
}

/** MLflow's id of a delivered run. */
export function runId(held: Held): string {
  return String(held.entry.state["run"]);
}

function started<T>(part: T | undefined): T {
  if (part === undefined) throw new Error("used before the suite started it");
  return part;
}
