/**
 * The playground, all together: a run-log store behind a server, a training in Node that is delivered to it and read
 * back, and a page that trains in the browser.
 *
 *     npm start             stays up until Ctrl-C
 *     npm start -- --once   ends after the training in Node; exit code 1 when what was read back is not what was tracked
 *
 * Runs are kept in playground/.run_log_store, or what --folder names. With MLFLOW_TRACKING_URI set they go to that MLflow server too.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Destination, openStore, type RunReport, runLogStore, trackRun } from "runlog";
import { mlflow } from "runlog/mlflow";
import { serve } from "runlog/server";
import { loadDigits } from "./digits/load.ts";
import { defaults } from "./digits/model.ts";
import { metrics, type Trained, tag, trackTraining } from "./digits/tracked.ts";
import { servePage } from "./page/server.ts";
import { type Check, checkTable, compare } from "./readback.ts";

// Fixed ports, so that a page finds its runs and their server again; others when these are taken.
const serverPort = 4_000;
const pagePort = 4_001;
/** How well the training must do. */
const wantedAccuracy = 0.9;

const { values } = parseArgs({ options: { once: { type: "boolean" }, folder: { type: "string" } } });
const folder = values.folder ?? fileURLToPath(new URL("./.run_log_store", import.meta.url));
const folders = { node: join(folder, "node"), server: join(folder, "server") };
const served = openStore(folders.server);
const server = await orFreePort((port) => serve({ store: served, port }), serverPort);
try {
  console.log(`run-log store  ${server.url}  (${folders.server})`);
  const passed = await trainAndCompare(server.url);
  if (!passed) process.exitCode = 1;
  if (values.once !== true) await stayUp(server.url);
} finally {
  await server.close();
  await served.close();
}

/** Trains in Node, tracked and delivered; true when the server holds the same and the result is good. */
async function trainAndCompare(url: string): Promise<boolean> {
  const { trained, report } = await train([runLogStore(url), ...trackers()]);
  const store = openStore(folders.node);
  const checks = await compare(store, url, report.run);
  await store.close();
  for (const line of summary(trained, report, checks)) console.log(line);
  return trained.accuracy >= wantedAccuracy && checks.every(({ equal }) => equal);
}

async function train(syncTo: readonly Destination[]): Promise<{ trained: Trained; report: RunReport }> {
  const digits = loadDigits();
  const parameters = { ...defaults };
  const { trained, run } = await trackRun(
    { tag, metrics, parameters, store: folders.node, syncTo },
    async (run) => ({
      trained: await trackTraining(run, digits, parameters),
      run,
    }),
  );
  return { trained, report: run.report() };
}

function trackers(): Destination[] {
  const url = process.env.MLFLOW_TRACKING_URI;
  const {
    MLFLOW_TRACKING_USERNAME: username,
    MLFLOW_TRACKING_PASSWORD: password,
    MLFLOW_TRACKING_TOKEN: token,
  } = process.env;
  if (!url) return [];
  return [
    mlflow(url, { ...(username && { username }), ...(password && { password }), ...(token && { token }) }),
  ];
}

function summary(trained: Trained, report: RunReport, checks: readonly Check[]): string[] {
  const places = Object.values(report.destinations).map(
    ({ url, link, delivered, pending, problem }) =>
      `  ${link ?? url}: ${delivered} delivered, ${pending} pending${problem === undefined ? "" : ` (${problem.message})`}`,
  );
  const result = `${trained.steps} steps, test accuracy ${(trained.accuracy * 100).toFixed(1)} %`;
  return ["", `run ${report.run}: ${result}`, ...places, ...checkTable(checks), ""];
}

/** Serves the page until the process is interrupted. */
async function stayUp(url: string): Promise<void> {
  const tracker = process.env.MLFLOW_TRACKING_URI;
  const surroundings = { runLogServer: url, mlflow: tracker ? withoutCredentials(tracker) : null };
  const page = await orFreePort((port) => servePage(port, surroundings), pagePort);
  console.log(`page           ${page.url}\nCtrl-C ends it`);
  await new Promise<void>((resolve) => {
    process.on("SIGINT", () => resolve());
    process.on("SIGTERM", () => resolve());
  });
  await page.close();
}

function withoutCredentials(text: string): string | null {
  if (!URL.canParse(text) || !/^https?:/.test(text)) return null;
  const url = new URL(text);
  return `${url.origin}${url.pathname}`;
}

async function orFreePort<T>(listen: (port: number) => Promise<T>, port: number): Promise<T> {
  try {
    return await listen(port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    console.log(`port ${port} is taken: another one is used, and pages will not find their earlier runs`);
    return await listen(0);
  }
}
