import { closeDead } from "../client/liveness.ts";
import { messageOf } from "../errors.ts";
import { type Forwarding, forwardRuns } from "../server/forward.ts";
import { serve as startServer } from "../server/index.ts";
import type { LocalStore } from "../stores/store.ts";
import type { Destination, Problem } from "../sync/destination.ts";
import { type Command, type Input, textOf, textsOf, UsageError } from "./command.ts";
import { destinationOf, parseTo } from "./destinations.ts";
import { note, print } from "./output.ts";
import { withNewStore } from "./store.ts";

const defaultPort = 4_000;
/** How often runs whose process has died are closed. */
const closeMillis = 60_000;

/** `runlog serve`: the store over HTTP, until it is interrupted. */
export const serve: Command = {
  usage: "serve [--port 4000] [--cors-origin O]... [--forward mlflow+URL]",
  summary:
    "serve the store over HTTP on this machine; pages of loopback origins and of --cors-origin may write; --forward carries every run on to MLflow",
  options: {
    port: { type: "string" },
    "cors-origin": { type: "string", multiple: true },
    forward: { type: "string" },
  },
  positionals: [0, 0],
  async run(input) {
    const port = portOf(input);
    const corsOrigins = textsOf(input, "cors-origin");
    const destination = destinationToForward(input);
    await withNewStore(input.store, async (store) => {
      await store.id();
      const interruption = interrupted();
      const server = await startServer({ store, port, corsOrigins });
      const stopCaring = careFor(store);
      const forwarding = destination && forward(store, destination);
      try {
        print(server.url);
        note(`serving the runs in ${store.location}; interrupt to end`);
        await interruption;
      } finally {
        stopCaring();
        await server.close();
        await forwarding?.stop();
      }
    });
    return 0;
  },
};

function portOf(input: Input): number {
  const text = textOf(input, "port");
  const port = text === undefined ? defaultPort : Number(text);
  if (text !== "" && Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new UsageError(`--port must be a number from 0 (any free one) to 65535, found '${text}'`);
}

/** With the credentials of this environment, if they are for its origin. */
function destinationToForward(input: Input): Destination | undefined {
  const text = textOf(input, "forward");
  if (text === undefined) return undefined;
  const name = parseTo(text, "--forward");
  if (name.kind !== "mlflow") throw new UsageError("--forward must be mlflow+http(s)://...");
  return destinationOf(name, process.env);
}

function forward(store: LocalStore, destination: Destination): Forwarding {
  const place = `${destination.kind} ${destination.url}`;
  note(`carrying every run on to ${place}`);
  const onProblem = (problem: Problem | undefined): void => {
    if (problem === undefined) note(`${place}: delivery goes on`);
    else {
      note(`${place}: ${problem.message}`);
      note(`    ${problem.action}`);
    }
  };
  return forwardRuns({ store, destination, onProblem });
}

/** Closes dead runs now and each minute; gives what ends it. */
function careFor(store: LocalStore): () => void {
  const close = (): void => {
    closeDead(store, Date.now()).catch((error: unknown) => note(`runlog: ${messageOf(error)}`));
  };
  close();
  const timer = setInterval(close, closeMillis);
  return () => clearInterval(timer);
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    process.on("SIGINT", () => resolve());
    process.on("SIGTERM", () => resolve());
  });
}
