/**
 * runlog in Node, Deno and Bun: runs are kept in a folder, `.run_log_store` or what `RUNLOG_STORE` names. The same
 * names as `index.ts`, and under `runlog/node` the stores themselves.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { resolve } from "node:path";
import { styleText } from "node:util";
import { endLines } from "./client/end-lines.ts";
import type { CurrentRun, Platform } from "./client/platform.ts";
import { printable } from "./client/printable.ts";
import type { RunReport } from "./client/report.ts";
import type { Run } from "./client/run.ts";
import { mlflow } from "./destinations/mlflow/index.ts";
import { createNodeLifecycle } from "./lifecycle/node.ts";
import { createBackgroundFetch } from "./lifecycle/node-fetch.ts";
import { gitIdentity } from "./lifecycle/node-git.ts";
import type { RunState } from "./read/state.ts";
import { type Client, createClient } from "./run.ts";
import { filesystemStore } from "./stores/filesystem/index.ts";
import { runLogStore } from "./stores/remote.ts";
import type { Destination } from "./sync/destination.ts";

export * from "./exports.ts";

function nodePlatform(): Platform {
  const lifecycle = createNodeLifecycle();
  const background = createBackgroundFetch();
  return {
    host,
    code: () => gitIdentity(),
    openStore: (name) => filesystemStore(name ?? process.env.RUNLOG_STORE ?? ".run_log_store"),
    persist: async () => true,
    destinations: environmentDestinations,
    setting: (name) => process.env[name],
    get variables() {
      return process.env;
    },
    current: createCurrentRuns(),
    watch: (run) => lifecycle.watch(run),
    syncCommand,
    get showEnd() {
      return process.stderr.isTTY ? showEnd : undefined;
    },
    warn: (message) => void process.stderr.write(`${printable(message)}\n`),
    fetch: background.fetch,
    letGo: () => background.letGo(),
    timer(run, millis) {
      const timer = setTimeout(run, millis);
      timer.unref();
      return () => clearTimeout(timer);
    },
  };
}

/** Deno and Bun call themselves Node too, in the version that they are compatible with. */
function host(): Record<string, string> {
  const { bun, deno, node } = process.versions;
  const name = bun !== undefined ? "bun" : deno !== undefined ? "deno" : "node";
  return { name, version: bun ?? deno ?? `v${node}`, platform: process.platform };
}

function showEnd(report: RunReport, state: RunState | undefined, command: string | undefined): void {
  const width = process.stderr.columns ?? 80;
  const [first = "", ...rest] = endLines({ report, state, command, width }).map(printable);
  const heading = styleText("bold", first, { stream: process.stderr });
  for (const line of [heading, ...rest]) process.stderr.write(`${line}\n`);
}

/** As a person types it into a shell in this folder. */
function syncCommand(location: string): string | undefined {
  if (location === "memory") return undefined;
  const plain = process.env.RUNLOG_STORE === undefined && location === resolve(".run_log_store");
  const path = /^[\w./-]+$/.test(location) ? location : `'${location.replaceAll("'", "'\\''")}'`;
  return plain ? "npx runlog sync" : `npx runlog sync --store ${path}`;
}

/** What `MLFLOW_TRACKING_URI` and `RUNLOG_SERVER` name, with their credentials. */
function environmentDestinations(): Destination[] {
  const { MLFLOW_TRACKING_URI, MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD, MLFLOW_TRACKING_TOKEN } =
    process.env;
  const { RUNLOG_SERVER, RUNLOG_TOKEN } = process.env;
  const destinations: Destination[] = [];
  if (MLFLOW_TRACKING_URI) {
    destinations.push(
      mlflow(MLFLOW_TRACKING_URI, {
        ...(MLFLOW_TRACKING_USERNAME && { username: MLFLOW_TRACKING_USERNAME }),
        ...(MLFLOW_TRACKING_PASSWORD && { password: MLFLOW_TRACKING_PASSWORD }),
        ...(MLFLOW_TRACKING_TOKEN && { token: MLFLOW_TRACKING_TOKEN }),
      }),
    );
  }
  if (RUNLOG_SERVER)
    destinations.push(runLogStore(RUNLOG_SERVER, { ...(RUNLOG_TOKEN && { token: RUNLOG_TOKEN }) }));
  return destinations;
}

function createCurrentRuns(): CurrentRun {
  const storage = new AsyncLocalStorage<Run>();
  return {
    within: (run, body) => storage.run(run, body),
    innermost: () => {
      const run = storage.getStore();
      return run === undefined || run.report().status !== "PROCESSING" ? [] : [run];
    },
  };
}

const client: Client = createClient(nodePlatform());

export const startRun: Client["startRun"] = client.startRun;
export const resumeRun: Client["resumeRun"] = client.resumeRun;
export const trackRun: Client["trackRun"] = client.trackRun;
export const trackThis: Client["trackThis"] = client.trackThis;
export const openStore: Client["openStore"] = client.openStore;
