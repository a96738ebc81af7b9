import { messageOf } from "../errors.ts";
import { mainTask } from "../model/observation.ts";
import type { ArtifactRecord, LostRecord, SegmentRecord } from "../model/records.ts";
import type { Segment } from "../model/segment-line.ts";
import { readRecords } from "../model/segment-line.ts";
import { addMetrics, addValue, type Place, supersede } from "./columns.ts";
import { addLabel, addParameter, addRun, type Facts, noFacts } from "./facts.ts";
import { inOrder } from "./order.ts";
import type { Loss, RunState, TaskState } from "./state.ts";
import { endedBy, isFinished, type Mark, outcomeOf, participants, rewindLimit } from "./status.ts";
import { type TaskNotes, taskState } from "./tasks.ts";

/** What one walk over the segments gathers. */
interface Walk {
  readonly facts: Facts;
  readonly marks: Mark[];
  readonly writers: Set<string>;
  readonly tasks: Map<string, TaskNotes>;
  readonly artifacts: ArtifactRecord[];
  readonly lost: Loss[];
  unknown: number;
  updated: number;
  clock: number;
}

/**
 * The run that `segments` tell: a function of their set. They may come in any order and repeat; a true segment goes
 * before its placeholder. Everything is read in the order (clock, writer, number, record, row), which is what "first"
 * and "last" mean. A segment that cannot be read is a loss and stops nothing.
 * @returns undefined when no segment says which run it is: no `run` record, nor a `lost` one that names the uid
 */
export function foldSegments(segments: readonly Segment[]): RunState | undefined {
  const ordered = inOrder(segments);
  const walk: Walk = {
    facts: noFacts(),
    marks: [],
    writers: new Set(),
    tasks: new Map(),
    artifacts: [],
    lost: [],
    unknown: 0,
    updated: Number.NEGATIVE_INFINITY,
    clock: ordered.at(-1)?.clock ?? 0,
  };
  for (const segment of ordered) readSegment(walk, segment);
  return walk.facts.uid === undefined ? undefined : stateOf(walk, ordered[0] as Segment);
}

function readSegment(walk: Walk, segment: Segment): void {
  walk.writers.add(segment.writer);
  let records: SegmentRecord[];
  try {
    records = readRecords(segment);
  } catch (error) {
    walk.lost.push({ writer: segment.writer, seq: segment.seq, reason: messageOf(error), count: 0 });
    return;
  }
  for (const record of records) readRecord(walk, record, segment);
}

function readRecord(walk: Walk, record: SegmentRecord, place: Place): void {
  switch (record.type) {
    case "run":
      addRun(walk.facts, record);
      walk.marks.push({ kind: "start", place, run: record });
      break;
    case "finish":
      walk.marks.push({ kind: "end", place, finish: record });
      break;
    case "metrics":
      seen(walk, addMetrics(notesOf(walk, record.task).columns, record, place));
      return;
    case "value":
      addValue(notesOf(walk, record.task).columns, record, place);
      break;
    case "task":
      notesOf(walk, record.task).records.push({ record, place });
      break;
    case "parameter":
      addParameter(walk.facts, record.name, record, record.time);
      break;
    case "label":
      addLabel(walk.facts, record);
      break;
    case "artifact":
      notesOf(walk, record.task);
      walk.artifacts.push(record);
      break;
    case "lost":
      readLost(walk, record, place);
      break;
    case "unknown":
      walk.unknown += 1;
      return;
  }
  seen(walk, record.time);
}

function readLost(walk: Walk, record: LostRecord, place: Place): void {
  const { reason, count } = record;
  walk.lost.push({ writer: place.writer, seq: place.seq, reason, count });
  // It stands for a writer's first segment, which held its start.
  if (record.uid !== undefined) {
    walk.facts.uid ??= record.uid;
    walk.marks.push({ kind: "start", place, run: undefined });
  }
}

function seen(walk: Walk, time: number | undefined): void {
  if (time !== undefined && time > walk.updated) walk.updated = time;
}

function notesOf(walk: Walk, name: string): TaskNotes {
  let notes = walk.tasks.get(name);
  if (notes === undefined) {
    notes = { name, columns: new Map(), records: [] };
    walk.tasks.set(name, notes);
  }
  return notes;
}

function stateOf(walk: Walk, first: Segment): RunState {
  const { facts, marks } = walk;
  const isEnded = endedBy(marks);
  const outcome = outcomeOf(marks, isEnded);
  const started = facts.started ?? first.clock;
  const limit = rewindLimit(marks);
  const tracked = countOf(walk.tasks.values());
  if (limit !== undefined) for (const { columns } of walk.tasks.values()) supersede(columns, limit);
  if (walk.tasks.size === 0) notesOf(walk, mainTask);
  const tasks = [...walk.tasks.values()].map((notes) => taskState(notes, isEnded, { ...outcome, started }));
  return {
    run: first.run,
    uid: facts.uid as string,
    tag: facts.tag,
    key: facts.key,
    owner: facts.owner,
    store: facts.store ?? "",
    joined: facts.joined,
    ...outcome,
    started,
    updated: Math.max(walk.updated, started),
    parameters: facts.parameters,
    changes: facts.changes,
    labels: facts.labels,
    code: facts.code ?? [],
    host: facts.host,
    log: facts.log ?? {},
    model: facts.model,
    destinations: [...facts.destinations.values()],
    writers: [...walk.writers],
    participants: participants(marks, isEnded),
    finished: isFinished(marks, isEnded),
    clock: walk.clock,
    tasks: new Map(tasks.map((task) => [task.name, task])),
    artifacts: walk.artifacts,
    lost: walk.lost,
    unknown: walk.unknown,
    observations: countOf(tasks),
    superseded: tracked - countOf(tasks),
  };
}

function countOf(tasks: Iterable<Pick<TaskState, "columns">>): number {
  let count = 0;
  for (const { columns } of tasks) for (const { step } of columns.values()) count += step.length;
  return count;
}
