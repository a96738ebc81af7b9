import { readFileSync } from "node:fs";
import { closeDead } from "../client/liveness.ts";
import { allSegments } from "../client/opening.ts";
import { messageOf } from "../errors.ts";
import type { DestinationName } from "../model/records.ts";
import type { RunSummary } from "../read/summary.ts";
import type { RunLogStore } from "../stores/remote.ts";
import type { LocalStore } from "../stores/store.ts";
import { destinationName } from "../sync/courier.ts";
import type { Destination, Problem } from "../sync/destination.ts";
import { syncRuns } from "../sync/sync-runs.ts";
import { type Command, type ExitCode, flag, type Input, textOf, textsOf, UsageError } from "./command.ts";
import { destinationOf, parseTo } from "./destinations.ts";
import { note, print } from "./output.ts";
import { withProgress } from "./progress.ts";
import { type Standing, standingsOf } from "./standing.ts";
import { checkRun, listRuns, withStore } from "./store.ts";
import { verifyRuns } from "./verify.ts";

/** `runlog sync`: delivers what is here and not there yet. */
export const sync: Command = {
  usage: "sync [RUN...] [--to URL]... [--token-file F] [--verify] [--again] [--dry-run]",
  summary:
    "deliver runs to the destinations they name, or with --to to that one: http(s)://..., mlflow+http(s)://...; --verify compares what is there with what is here, --again sends all once more, where the other side lost a part",
  options: {
    to: { type: "string", multiple: true },
    "token-file": { type: "string" },
    verify: { type: "boolean" },
    again: { type: "boolean" },
    "dry-run": { type: "boolean" },
  },
  positionals: [0, Number.POSITIVE_INFINITY],
  async run(input) {
    const token = readToken(input);
    const to = textsOf(input, "to").map((text) => parseTo(text));
    return await withStore(input.store, async (store) => {
      if (!flag(input, "dry-run")) await closeDead(store, Date.now());
      const runs = await chosen(store, input.positionals);
      const id = await store.id();
      // What another store's runs name is not ours to act on: they were imported or received.
      const jobs =
        to.length > 0 ? to.map((name) => ({ name, runs })) : named(runs.filter((run) => run.store === id));
      if (jobs.length === 0) note("no run here names a destination; say one with --to URL");
      const codes: ExitCode[] = [];
      for (const job of jobs) codes.push(await carry(store, job, token, input));
      return codes.includes(3) ? 3 : 0;
    });
  },
};

interface Job {
  readonly name: DestinationName;
  readonly runs: readonly RunSummary[];
}

/** The runs asked for, oldest first; all when none is. */
async function chosen(store: LocalStore, ids: readonly string[]): Promise<RunSummary[]> {
  for (const id of ids) await checkRun(store, id);
  const all = await listRuns(store, { sort: "started" });
  return ids.length === 0 ? all : all.filter(({ run }) => ids.includes(run));
}

/** Every destination that the runs name, with its runs. */
function named(runs: readonly RunSummary[]): Job[] {
  const jobs = new Map<string, { name: DestinationName; runs: RunSummary[] }>();
  for (const run of runs) {
    for (const name of run.destinations) {
      const key = destinationName(name);
      const job = jobs.get(key) ?? { name, runs: [] };
      jobs.set(key, job);
      job.runs.push(run);
    }
  }
  return [...jobs.values()];
}

/**
 * Everything is sent once more, as after a lost ledger: what is there already stays as it is. A run-log store would be
 * asked only for its position, which says nothing of gaps below.
 */
async function sendAgain(
  store: LocalStore,
  destination: Destination,
  name: string,
  { runs }: Job,
): Promise<void> {
  const { url, kind } = destination;
  for (const { run } of runs) {
    const version = ((await store.ledger.read(run, name))?.version ?? 0) + 1;
    await store.ledger.write(run, name, { url, position: {}, delivered: 0, setAside: 0, state: {}, version });
    if (kind !== "runlog") continue;
    try {
      await (destination as RunLogStore).append(await allSegments(store, run));
    } catch (error) {
      note(`  ${run}: ${messageOf(error)}`); // its delivery tells the rest
    }
  }
}

async function carry(
  store: LocalStore,
  job: Job,
  token: string | undefined,
  input: Input,
): Promise<ExitCode> {
  const dry = flag(input, "dry-run");
  const destination = destinationOf(job.name, process.env, token);
  if (destination === undefined) {
    note(`${job.name.kind} ${job.name.url}: this version does not know such a destination`);
    return 3;
  }
  const name = destinationName(destination);
  if (flag(input, "again") && !dry) await sendAgain(store, destination, name, job);
  const carried = job.runs.map(({ run, uid, joined }) => ({ run, uid, owner: !joined }));
  const forEver = new AbortController().signal;
  const look = async (): Promise<string> => progressOf(destination, await standingsOf(store, name, job.runs));
  const { problem } = dry
    ? destination
    : await withProgress(look, () => syncRuns(store, destination, carried, forEver));
  const standings = await standingsOf(store, name, job.runs);
  report(destination, standings, problem);
  for (const { run } of job.runs) {
    const entry = await store.ledger.read(run, name);
    const notice = entry && destination.notice?.(entry);
    if (notice !== undefined) note(`  ${run}: ${notice}`);
  }
  if (dry) {
    for (const { run, pending } of standings) if (pending > 0) print(`  ${run}: would deliver ${pending}`);
    return 0;
  }
  const alike = !flag(input, "verify") || (await verifyRuns(store, destination, name, job.runs));
  return alike && standings.every(({ pending, setAside }) => pending + setAside === 0) ? 0 : 3;
}

function progressOf({ kind, url }: Destination, standings: readonly Standing[]): string {
  const delivered = standings.reduce((total, standing) => total + standing.delivered, 0);
  const all = standings.reduce((total, standing) => total + standing.pending, delivered);
  return `${kind} ${url}: ${delivered} of ${all} delivered`;
}

function report(
  destination: Destination,
  standings: readonly Standing[],
  problem: Problem | undefined,
): void {
  const sum = (field: "delivered" | "pending" | "setAside"): number =>
    standings.reduce((total, standing) => total + standing[field], 0);
  const counts = `delivered ${sum("delivered")}, pending ${sum("pending")}, set aside ${sum("setAside")}`;
  const runs = standings.length === 1 ? "1 run" : `${standings.length} runs`;
  print(`${destination.kind} ${destination.url}: ${counts} (${runs})`);
  if (problem !== undefined) explain("  ", problem);
  for (const { run, setAside, parked } of standings) {
    if (parked !== undefined) explain(`  ${run}: `, parked);
    else if (setAside > 0) note(`  ${run}: ${setAside} set aside, kept here with the server's words`);
  }
}

function explain(before: string, { message, action }: Problem): void {
  note(`${before}${message}`);
  note(`    ${action}`);
}

/** A token is a secret for one server, so it needs to be told which. */
function readToken(input: Input): string | undefined {
  const file = textOf(input, "token-file");
  if (file === undefined) return undefined;
  if (textsOf(input, "to").length !== 1)
    throw new UsageError("--token-file needs exactly one --to, which gets it");
  const token = readFileSync(file, "utf8").trim();
  if (token === "") throw new UsageError(`the token file '${file}' is empty`);
  return token;
}
