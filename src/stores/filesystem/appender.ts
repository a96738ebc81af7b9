import { open } from "node:fs/promises";
import { isRunlogError, type RunlogError } from "../../errors.ts";
import type { Segment } from "../../model/segment-line.ts";
import { heldOf, judge, uidOf } from "../rules.ts";
import { syncFolder } from "./durable.ts";
import type { HandlePool } from "./handle-pool.ts";
import type { JournalState } from "./journal-state.ts";
import type { JournalFile } from "./run-index.ts";
import { type WriteTools, writeSegments } from "./write.ts";

/**
 * Appends to one run. Calls that wait at once share one write and one flush for each file; verdicts are given in
 * order, each knowing what those before it will have written.
 */
export interface Appender {
  append(segments: readonly Segment[]): Promise<void>;
}

interface Call {
  readonly segments: readonly Segment[];
  resolve(): void;
  reject(error: unknown): void;
}

/** What a group will have written: writer -> number -> segment, and the position after it. */
interface Plan {
  readonly writes: Map<string, Map<number, Segment>>;
  readonly next: Record<string, number>;
}

/** A call after its verdicts. */
interface Judged {
  readonly call: Call;
  /** Its fate hangs on what is written for these. */
  readonly writers: Set<string>;
  /** Files that hold a segment of it already, perhaps only in the system's memory. */
  readonly holders: Set<JournalFile>;
  readonly problem: RunlogError | undefined;
}

const mostBytes = 8 * 1_048_576;

export function createAppender(state: JournalState, pool: HandlePool): Appender {
  const waiting: Call[] = [];
  const tools: WriteTools = { state, pool, files: new Map() };
  let busy = false;
  const drain = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    while (waiting.length > 0) await commit(tools, takeGroup(waiting));
    busy = false;
  };
  return {
    append: (segments) =>
      new Promise<void>((resolve, reject) => {
        waiting.push({ segments, resolve, reject });
        void drain();
      }),
  };
}

function takeGroup(waiting: Call[]): Call[] {
  let bytes = 0;
  let count = 0;
  for (const { segments } of waiting) {
    for (const segment of segments) bytes += segment.bytes.length;
    if (count > 0 && bytes > mostBytes) break;
    count += 1;
  }
  return waiting.splice(0, count);
}

async function commit(tools: WriteTools, group: readonly Call[]): Promise<void> {
  const { state } = tools;
  try {
    await state.refresh();
    state.checkName();
    const plan: Plan = { writes: new Map(), next: { ...state.index.position() } };
    const judged = group.map((call) => judgeCall(state, plan, call));
    const failures = new Map<string, unknown>();
    const write = async ([writer, segments]: [string, Map<number, Segment>]): Promise<void> => {
      const writing = writeSegments(tools, writer, [...segments.values()]);
      await writing.catch((error: unknown) => failures.set(writer, error));
    };
    await Promise.all([...plan.writes].map(write));
    for (const one of judged) await settle(state, one, failures);
  } catch (error) {
    for (const call of group) call.reject(error);
  }
}

/** Gives the verdicts of one call and adds what is to write to the plan. */
function judgeCall(state: JournalState, plan: Plan, call: Call): Judged {
  const judged = { call, writers: new Set<string>(), holders: new Set<JournalFile>() };
  const { deleted, index } = state;
  try {
    for (const segment of call.segments) {
      const { writer, seq } = segment;
      const writes = plan.writes.get(writer) ?? new Map<number, Segment>();
      const twin = writes.get(seq);
      const entry = index.entries(writer)[seq];
      const known = { deleted, uid: index.uid ?? plannedUid(plan), next: plan.next };
      const verdict = judge(segment, known, twin === undefined ? entry : heldOf(twin));
      if (verdict !== "skip") plan.writes.set(writer, writes.set(seq, segment));
      if (verdict === "add") plan.next[writer] = seq + 1;
      if (verdict !== "skip" || twin !== undefined) judged.writers.add(writer);
      else if (entry !== undefined) judged.holders.add(entry.file);
    }
    return { ...judged, problem: undefined };
  } catch (error) {
    if (!isRunlogError(error)) throw error;
    return { ...judged, problem: error };
  }
}

// Of a new run, whose first segment waits in this very group.
function plannedUid(plan: Plan): string | undefined {
  for (const segments of plan.writes.values()) {
    const first = segments.get(0);
    if (first !== undefined) return uidOf(first);
  }
  return undefined;
}

async function settle(
  state: JournalState,
  judged: Judged,
  failures: ReadonlyMap<string, unknown>,
): Promise<void> {
  const { call, writers, holders, problem } = judged;
  for (const writer of writers) if (failures.has(writer)) return call.reject(failures.get(writer));
  try {
    for (const file of holders) await makeDurable(state, file);
  } catch (error) {
    return call.reject(error);
  }
  if (problem === undefined) call.resolve();
  else call.reject(problem);
}

// Lines of a process that was killed before its flush are readable, and still lost at a power cut.
async function makeDurable(state: JournalState, file: JournalFile): Promise<void> {
  if (file.durable >= file.scanned) return;
  const end = file.scanned;
  const handle = await open(file.path, "r+");
  await handle.datasync().finally(() => handle.close());
  // Its process may have ended before any of these names was durable.
  await state.layout.folders.make(state.layout.folder);
  await syncFolder(state.layout.folder);
  file.durable = end;
}
