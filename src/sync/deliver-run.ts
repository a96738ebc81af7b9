import { isRunlogError } from "../errors.ts";
import type { Answer, Call } from "../http/answer.ts";
import { crc32OfText } from "../model/crc32.ts";
import { readRecords, type Segment } from "../model/segment-line.ts";
import { foldSegments } from "../read/fold.ts";
import { runLogJson } from "../read/run-log.ts";
import { summarize } from "../read/summary.ts";
import { unreleased } from "../stores/released.ts";
import type { LedgerEntry, LocalStore } from "../stores/store.ts";
import type { Delivery, Destination, FoldedRun, Outcome } from "./destination.ts";

/** One run of a local store to one destination: what the ledger says is still missing. */
export interface RunDelivery {
  readonly store: LocalStore;
  readonly destination: Destination;
  readonly call: (request: Call, signal?: AbortSignal) => Promise<Answer>;
  /** The ledger's name. */
  readonly name: string;
  readonly run: string;
  readonly uid: string;
  /** Whether this store is the one of the run's first writer. */
  readonly owner: boolean;
  readonly signal: AbortSignal;
  /** Asks the other side whether it still has what the ledger says, also for parked and complete runs. */
  readonly verify?: boolean;
  /** Told of every change of the ledger. */
  readonly noted: (entry: LedgerEntry) => void;
}

export async function deliverRun(job: RunDelivery): Promise<Outcome> {
  const { store, name, run } = job;
  let entry = (await store.ledger.read(run, name)) ?? emptyEntry(job.destination.url);
  job.noted(entry);
  const verify = job.verify === true;
  if (entry.parked !== undefined && !verify) return { state: "park", problem: entry.parked };
  const position = await store.position(run);
  if (Object.keys(position).length === 0) return { state: "done" };
  if (entry.complete === true && covers(entry, position) && !verify) return { state: "done" };

  const save = async (change: Partial<LedgerEntry>): Promise<void> => {
    const { parked: _, ...rest } = entry;
    entry = { ...rest, complete: false, ...change, version: (entry.version ?? 0) + 1 };
    await store.ledger.write(run, name, entry);
    job.noted(entry);
  };
  const delivery: Delivery = {
    run,
    uid: job.uid,
    owner: job.owner,
    signal: job.signal,
    verify,
    get ledger() {
      return entry;
    },
    call: (request) => job.call(request, job.signal),
    segments: (from) => unreleased(store.segments(run, from ?? startOf(entry))),
    records: readRecords,
    save,
    async setAside(item) {
      await store.ledger.setAside(run, name, item);
      await save({ setAside: entry.setAside + 1 });
    },
    fold: () => foldedRun(store, run),
    crc: crc32OfText,
  };
  const outcome = await job.destination.deliver(delivery).catch(parked);
  if (outcome.state === "done") await save({ complete: covers(entry, position) });
  if (outcome.state === "park") await save({ parked: outcome.problem });
  return outcome;
}

/** A run that made room here is sent nowhere as gaps. */
function parked(error: unknown): Outcome {
  if (!isRunlogError(error, "run_released")) throw error;
  const { code, message } = error;
  return { state: "park", problem: { code, message, action: "send it from there" } };
}

/** True when every segment of `position` is confirmed whole. */
export function covers(entry: LedgerEntry, position: Readonly<Record<string, number>>): boolean {
  return Object.entries(position).every(([writer, next]) => (entry.position[writer]?.[0] ?? 0) >= next);
}

function emptyEntry(url: string): LedgerEntry {
  return { url, position: {}, delivered: 0, setAside: 0, state: {} };
}

function startOf(entry: LedgerEntry): Record<string, number> {
  return Object.fromEntries(Object.entries(entry.position).map(([writer, [seq]]) => [writer, seq]));
}

async function foldedRun(store: LocalStore, run: string): Promise<FoldedRun> {
  const segments: Segment[] = [];
  for await (const segment of unreleased(store.segments(run))) segments.push(segment);
  const state = foldSegments(segments);
  if (state === undefined) throw new Error(`run '${run}' has no run record`);
  const { tag, status, signal, started, ended, labels } = summarize(state);
  return { tag, status, signal, started, ended, labels, json: () => runLogJson(state, { full: true }) };
}
