import { mainTask } from "../model/observation.ts";
import type { TaskRecord } from "../model/records.ts";
import type { Columns, Place } from "./columns.ts";
import type { AttemptState, TaskState } from "./state.ts";
import type { Outcome } from "./status.ts";

/** What the walk over the segments gathers about one task. */
export interface TaskNotes {
  readonly name: string;
  readonly columns: Columns;
  readonly records: { readonly record: TaskRecord; readonly place: Place }[];
}

/** The run's part in a task: attempts that nobody ended take its outcome. */
export interface RunTimes extends Outcome {
  readonly started: number;
}

/** The task as its records, in the order of the fold, tell it. */
export function taskState(notes: TaskNotes, isEnded: (place: Place) => boolean, run: RunTimes): TaskState {
  const numbers = new Set(notes.records.map(({ record }) => record.attempt));
  for (const column of notes.columns.values()) {
    if (column.attempt === undefined) numbers.add(1);
    for (const number of column.attempt ?? []) numbers.add(number);
  }
  if (numbers.size === 0) numbers.add(1);
  const attempts = [...numbers]
    .sort((a, b) => a - b)
    .map((number) => attemptState(notes, number, isEnded, run));
  const last = attempts.at(-1) as AttemptState;
  const good = attempts.findLast((attempt) => attempt.status === "SUCCESS");
  const { name, columns } = notes;
  return { name, columns, attempts, status: last.status, shown: (good ?? last).number };
}

function attemptState(
  notes: TaskNotes,
  number: number,
  isEnded: (place: Place) => boolean,
  run: RunTimes,
): AttemptState {
  const own = notes.records.filter(({ record }) => record.attempt === number);
  if (own.length === 0) return untold(notes.name, number, run);
  const open = new Map<string, boolean>();
  for (const { record, place } of own) {
    if (!isEnded(place)) open.set(place.writer, !isEnd(record));
  }
  const starts = own.filter(({ record }) => !isEnd(record)).map(({ record }) => record.time);
  const ends = own.filter(({ record }) => isEnd(record)).map(({ record }) => record);
  const lastEnd = ends.at(-1);
  const going = lastEnd === undefined || [...open.values()].includes(true);
  const status = going ? run.status : (lastEnd as TaskRecord).status;
  return {
    number,
    status,
    start: starts.length > 0 ? starts.reduce((a, b) => Math.min(a, b)) : lastEnd?.time,
    end: going
      ? run.ended
      : ends.reduce((latest, end) => Math.max(latest, end.time), Number.NEGATIVE_INFINITY),
    message: status === "FAIL" ? ((going ? run.message : lastEnd?.message) ?? "") : "",
  };
}

/** An attempt without records of its own: `main`, which lasts as long as the run, or one whose records are lost. */
function untold(task: string, number: number, run: RunTimes): AttemptState {
  const start = task === mainTask ? run.started : undefined;
  return { number, status: run.status, start, end: run.ended, message: run.message };
}

function isEnd(record: TaskRecord): boolean {
  return record.status === "SUCCESS" || record.status === "FAIL";
}
