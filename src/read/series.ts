import { RunlogError, ValidationError } from "../errors.ts";
import { mainTask } from "../model/observation.ts";
import { type Column, decodeStored } from "./columns.ts";
import type { RunState } from "./state.ts";

/** The observations of one key in the order of the fold, columns of equal length. Every attempt's are in it. */
export interface Series {
  readonly step: Float64Array;
  /** Milliseconds since 1970. */
  readonly time: Float64Array;
  /** Numbers when all are metrics, else the decoded values. */
  readonly value: Float64Array | readonly unknown[];
}

/** One observation as a row of a tidy table. */
export interface Row {
  readonly run: string;
  readonly task: string;
  readonly key: string;
  readonly step: number;
  readonly time: number;
  readonly value: unknown;
}

export interface RowFilter {
  readonly task?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * The series of `key`.
 * @param task when left out: `main` if it has the key, else the only task that has it
 * @throws {RunlogError} `not_found` when no such series is there; the message names what is
 * @throws {ValidationError} when several tasks have the key and none was named
 */
export function seriesOf(state: RunState, key: string, task?: string): Series {
  const { step, time, value, numeric } = columnOf(state, key, task);
  return {
    step: Float64Array.from(step),
    time: Float64Array.from(time),
    value: numeric ? Float64Array.from(value as number[]) : value.map(decodeStored),
  };
}

/** Every observation that stands as a tidy row, by task, then key, then in the order of the fold. */
export function rowsOf(state: RunState, filter: RowFilter = {}): Row[] {
  const rows: Row[] = [];
  for (const [task, { columns }] of state.tasks) {
    if (filter.task !== undefined && filter.task !== task) continue;
    for (const [key, column] of columns) {
      if (filter.key !== undefined && filter.key !== key) continue;
      addRows(rows, { run: state.run, task, key }, column);
    }
  }
  return rows;
}

function addRows(rows: Row[], name: Pick<Row, "run" | "task" | "key">, column: Column): void {
  column.value.forEach((stored, row) => {
    const step = column.step[row] as number;
    const time = column.time[row] as number;
    rows.push({ ...name, step, time, value: decodeStored(stored) });
  });
}

/** The observations of `key` as they are stored; otherwise as `seriesOf`. */
export function columnOf(state: RunState, key: string, task: string | undefined): Column {
  const name = task ?? taskWith(state, key);
  const column = state.tasks.get(name)?.columns.get(key);
  if (column !== undefined) return column;
  throw new RunlogError(
    "not_found",
    `run '${state.run}' has no '${key}' in task '${name}'; it has ${known(state, task)}`,
  );
}

function taskWith(state: RunState, key: string): string {
  const tasks = [...state.tasks.values()].filter(({ columns }) => columns.has(key)).map(({ name }) => name);
  if (tasks.includes(mainTask) || tasks.length === 0) return mainTask;
  if (tasks.length === 1) return tasks[0] as string;
  const names = tasks.map((name) => `'${name}'`).join(", ");
  throw new ValidationError("task", `must be given for the key '${key}', which several tasks have: ${names}`);
}

function known(state: RunState, task: string | undefined): string {
  const names = [...state.tasks.values()]
    .filter(({ name }) => task === undefined || name === task)
    .flatMap(({ name, columns }) =>
      [...columns.keys()].map((key) => (name === mainTask ? key : `${name}/${key}`)),
    );
  if (names.length === 0) return "nothing yet";
  const some = names.slice(0, 20).join(", ");
  return names.length > 20 ? `${some} and ${names.length - 20} more` : some;
}
