/**
 * Writes to one run from a process and from a worker thread of it, which has a store of its own. `begin` starts the
 * run, `join` joins it by its id and uid. Prints `<run> <uid>`, and `done` at the end.
 */

import { once } from "node:events";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { type Run, resumeRun, runLogStore, startRun } from "../../../src/node.ts";

interface Part {
  readonly name: string;
  readonly store: string;
  readonly server: string;
  readonly runId: string;
  readonly uid?: string;
}

const steps = 300;

async function open({ store, server, runId, uid }: Part): Promise<Run> {
  const options = { runId, store, syncTo: [runLogStore(server)], quiet: true };
  return uid === undefined ? startRun(options) : await resumeRun({ ...options, uid });
}

async function write(run: Run, name: string): Promise<void> {
  for (let step = 0; step < steps; step++) {
    run.track({ [`loss-${name}`]: step, shared: step }, { step });
    run.track({ [`note-${name}`]: `step ${step}` }, { step });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A server that is away gives up the wait early: it is asked again until it has everything. */
async function finish(run: Run): Promise<void> {
  let report = await run.finish();
  while (Object.values(report.destinations).some(({ state }) => state !== "done")) report = await run.sync();
}

async function main([mode = "", runId = "", uid]: readonly string[]): Promise<void> {
  const { RUNLOG_STORE: store = "", RUNLOG_SERVER: server = "" } = process.env;
  const run = await open({ name: mode, store, server, runId, ...(uid !== undefined && { uid }) });
  await run.flush();
  process.stdout.write(`${run.id} ${run.uid}\n`);
  const part: Part = { name: `${mode}-thread`, store: `${store}-thread`, server, runId, uid: run.uid };
  const worker = new Worker(new URL(import.meta.url), { workerData: part });
  const ended = once(worker, "exit");
  await write(run, mode);
  await finish(run);
  const [code] = (await ended) as [number];
  if (code !== 0) throw new Error(`the worker thread ended with ${code}`);
  process.stdout.write("done\n");
}

async function thread(part: Part): Promise<void> {
  const run = await open(part);
  await write(run, part.name);
  await finish(run);
}

await (isMainThread ? main(process.argv.slice(2)) : thread(workerData as Part));
