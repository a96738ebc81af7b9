import { mainTask } from "../model/observation.ts";
import type { TaskRecord } from "../model/records.ts";
import { nameOfPath } from "../model/task-path.ts";
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
  const { name, columns, records } = notes;
  const numbers = byNumber(notes);
  const alone = numbers.get(0)?.at(-1)?.record;
  numbers.delete(0);
  const attempts = [...numbers]
    .sort(([a], [b]) => a - b)
    .map(([number, own]) => attemptState(name, number, own, isEnded, run));
  const last = attempts.at(-1);
  const good = attempts.findLast((attempt) => attempt.status === "SUCCESS");
  const said = <F extends keyof TaskRecord>(field: F): TaskRecord[F] | undefined =>
    records.find(({ record }) => record[field] !== undefined)?.record[field];
  return {
    name,
    path: pathOf(name, said("path")),
    kind: said("kind") ?? "task",
    mock: said("mock") ?? false,
    code: said("code"),
    columns,
    attempts,
    status: alone?.status ?? last?.status ?? run.status,
    shown: (good ?? last)?.number ?? 1,
  };
}

/** A path that does not lead to the name is none. */
function pathOf(name: string, path: readonly string[] | undefined): readonly string[] {
  return path !== undefined && nameOfPath(path) === name ? path : [name];
}

/** Attempt -> its records, for each that records or observations name; 0 for a status that was said without any. */
function byNumber({ records, columns }: TaskNotes): Map<number, TaskNotes["records"][number][]> {
  const numbers = new Map<number, TaskNotes["records"][number][]>();
  const listOf = (number: number): TaskNotes["records"][number][] => {
    const own = numbers.get(number) ?? [];
    numbers.set(number, own);
    return own;
  };
  for (const each of records) listOf(each.record.attempt).push(each);
  for (const column of columns.values()) {
    if (column.attempt === undefined) listOf(1);
    else for (const number of column.attempt) if (!numbers.has(number)) listOf(number);
  }
  if (numbers.size === 0) listOf(1);
  return numbers;
}

function attemptState(
  task: string,
  number: number,
  own: TaskNotes["records"],
  isEnded: (place: Place) => boolean,
  run: RunTimes,
): AttemptState {
  if (own.length === 0) return untold(task, number, run);
  const open = new Map<string, boolean>();
  for (const { record, place } of own) {
    if (!isEnded(place)) open.set(place.writer, !isEnd(record));
  }
  const starts = own.filter(({ record }) => !isEnd(record)).map(({ record }) => timeOf(record));
  const ends = own.filter(({ record }) => isEnd(record)).map(({ record }) => record);
  const lastEnd = ends.at(-1);
  const going = lastEnd === undefined || [...open.values()].includes(true);
  const status = going ? run.status : (lastEnd as TaskRecord).status;
  return {
    number,
    status,
    start: starts.length > 0 ? starts.reduce((a, b) => Math.min(a, b)) : lastEnd && timeOf(lastEnd),
    end: going
      ? run.ended
      : ends.reduce((latest, end) => Math.max(latest, timeOf(end)), Number.NEGATIVE_INFINITY),
    message: status === "FAIL" ? ((going ? run.message : lastEnd?.message) ?? "") : "",
    parameters: own.find(({ record }) => record.parameters !== undefined)?.record.parameters,
  };
}

/** An attempt without records of its own: `main`, which lasts as long as the run, or one whose records are lost. */
function untold(task: string, number: number, run: RunTimes): AttemptState {
  const start = task === mainTask ? run.started : undefined;
  const { status, ended, message } = run;
  return { number, status, start, end: ended, message, parameters: undefined };
}

function timeOf({ time, micros = 0 }: TaskRecord): number {
  return time + micros / 1_000;
}

function isEnd(record: TaskRecord): boolean {
  return record.status === "SUCCESS" || record.status === "FAIL";
}
