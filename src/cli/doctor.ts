import { existsSync, readFileSync } from "node:fs";
import { access, constants, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { messageOf } from "../errors.ts";
import type { DestinationName } from "../model/records.ts";
import type { RunSummary } from "../read/summary.ts";
import type { LocalStore } from "../stores/store.ts";
import { destinationName } from "../sync/courier.ts";
import type { Problem } from "../sync/destination.ts";
import { type Command, type ExitCode, textOf } from "./command.ts";
import { destinationOf } from "./destinations.ts";
import { reach } from "./doctor-reach.ts";
import { environmentDestinations, settingsOf } from "./doctor-settings.ts";
import { bold, type Line, print, table } from "./output.ts";
import { standingsOf } from "./standing.ts";
import { listRuns, withStore } from "./store.ts";

/** `runlog doctor`: settings and where they come from, the store, every destination, versions. */
export const doctor: Command = {
  usage: "doctor",
  summary:
    "print each setting with its source, whether the store can be written, and whether destinations answer",
  options: {},
  positionals: [0, 0],
  async run(input) {
    section("settings", table(["setting", "value", "from"], settingsOf(textOf(input, "store"), process.env)));
    const place = await placeOf(input.store);
    const found = place.exists ? await withStore(input.store, survey) : { runs: [], jobs: [] };
    section("store", storeLines(input.store, place, found.runs));
    const codes: ExitCode[] = [place.problem === undefined ? 0 : 1];
    const lines: string[] = [];
    for (const job of withEnvironment(found.jobs)) codes.push(await examine(job, lines));
    section("destinations", lines.length > 0 ? lines : ["none: runs stay here"]);
    section("versions", [
      `runlog ${version()}`,
      `node ${process.version} on ${process.platform} ${process.arch}`,
    ]);
    return codes.includes(1) ? 1 : codes.includes(3) ? 3 : 0;
  },
};

function section(title: string, lines: readonly Line[]): void {
  print([bold(title)]);
  for (const line of lines) print(["  ", ...(typeof line === "string" ? [line] : line)]);
}

interface Place {
  readonly exists: boolean;
  readonly problem?: Problem;
}

/** Whether the folder, or where it would be made, can be written. Writes nothing. */
async function placeOf(folder: string): Promise<Place> {
  const path = resolve(folder);
  const found = await stat(path).catch(() => undefined); // why it is not there, the folder above tells
  const exists = found?.isDirectory() === true;
  const error =
    found !== undefined && !exists
      ? `'${path}' is no folder`
      : await allowed(exists ? path : await nearest(path), constants.W_OK | constants.X_OK);
  if (error === undefined) return { exists };
  const action = "give this user the right to write there, or name another folder by --store or RUNLOG_STORE";
  return { exists, problem: { code: "storage_unavailable", message: error, action } };
}

async function nearest(path: string): Promise<string> {
  let above = dirname(path);
  while ((await allowed(above, constants.F_OK)) !== undefined && dirname(above) !== above)
    above = dirname(above);
  return above;
}

async function allowed(path: string, mode: number): Promise<string | undefined> {
  return await access(path, mode).then(
    () => undefined,
    (error: unknown) => messageOf(error),
  );
}

/** A destination and how the runs that name it stand there. */
interface Job {
  readonly name: DestinationName;
  /** Who names it: "3 runs", "MLFLOW_TRACKING_URI". */
  readonly by: string;
  readonly pending: number;
  readonly setAside: number;
}

async function survey(store: LocalStore): Promise<{ runs: RunSummary[]; jobs: Job[] }> {
  const runs = await listRuns(store, {});
  const id = await store.id();
  const named = new Map<string, { name: DestinationName; runs: RunSummary[] }>();
  for (const run of runs.filter((each) => each.store === id)) {
    for (const name of run.destinations) {
      const job = named.get(destinationName(name)) ?? { name, runs: [] };
      named.set(destinationName(name), job);
      job.runs.push(run);
    }
  }
  const jobs: Job[] = [];
  for (const [ledger, { name, runs: own }] of named) {
    const standings = await standingsOf(store, ledger, own);
    const sum = (field: "pending" | "setAside"): number =>
      standings.reduce((total, standing) => total + standing[field], 0);
    const by = own.length === 1 ? "1 run" : `${own.length} runs`;
    jobs.push({ name, by, pending: sum("pending"), setAside: sum("setAside") });
  }
  return { runs, jobs };
}

function withEnvironment(jobs: readonly Job[]): Job[] {
  const more = environmentDestinations(process.env)
    .filter(({ name }) => !jobs.some((job) => destinationName(job.name) === destinationName(name)))
    .map((each) => ({ ...each, pending: 0, setAside: 0 }));
  return [...jobs, ...more];
}

function storeLines(folder: string, { exists, problem }: Place, runs: readonly RunSummary[]): string[] {
  const open = runs.filter(({ status }) => status === "PROCESSING").length;
  const count = exists
    ? `${runs.length} runs, ${open} of them unfinished`
    : "not made yet: the first run makes it";
  return [
    `${resolve(folder)}: ${count}`,
    ...(problem === undefined ? ["can be written"] : [problem.message, problem.action]),
  ];
}

async function examine({ name, by, pending, setAside }: Job, lines: string[]): Promise<ExitCode> {
  const destination = destinationOf(name, process.env);
  const problem =
    destination === undefined ? unknownKind(name) : (destination.problem ?? (await reach(destination)));
  const stands = `${pending} pending, ${setAside} set aside`;
  lines.push(`${name.kind} ${name.url} (named by ${by}): ${problem?.code ?? "answers"}; ${stands}`);
  if (problem !== undefined) lines.push(`  ${problem.message}`, `  ${problem.action}`);
  else if (pending > 0) lines.push("  to send what waits: runlog sync");
  return problem === undefined && pending === 0 && setAside === 0 ? 0 : 3;
}

function unknownKind({ kind }: DestinationName): Problem {
  return {
    code: "unknown_kind",
    message: `this version knows no destination of the kind '${kind}'`,
    action: "use the version of runlog that made these runs, or a newer one",
  };
}

/** The package's own: it is one folder up from the built program, two from its source. */
function version(): string {
  const file = ["../package.json", "../../package.json"]
    .map((path) => new URL(path, import.meta.url))
    .find((url) => existsSync(url));
  const found = file === undefined ? {} : (JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>);
  return found["name"] === "runlog" ? String(found["version"]) : "(version unknown)";
}
