import type { MetricsRecord, StoredValue, ValueRecord } from "../model/records.ts";
import { numberFromJson } from "../model/rich.ts";
import { decodeValue } from "../model/value.ts";

/**
 * The observations of one (task, key) as columns in the order of the fold: plain arrays of numbers, no object for each
 * metric, so a run of ten million observations folds in a few hundred megabytes.
 */
export interface Column {
  readonly step: number[];
  /** Milliseconds since 1970. */
  readonly time: number[];
  /** A number for a metric; `{ json, meta }` for any other value. */
  readonly value: (number | StoredValue)[];
  /** Undefined while every observation is of attempt 1. */
  attempt: number[] | undefined;
  /** Whether every value is a number. */
  numeric: boolean;
  /** The row at which each segment's part begins. */
  readonly parts: { readonly row: number; readonly writer: string; readonly seq: number }[];
}

/** The columns of a task by key. */
export type Columns = Map<string, Column>;

/** Where a record stands. */
export interface Place {
  readonly writer: string;
  readonly seq: number;
}

/** Appends a record's rows and gives the latest time among them. */
export function addMetrics(columns: Columns, record: MetricsRecord, place: Place): number {
  const columnsOfKeys = new Map<number, Column>();
  let time = 0;
  let latest = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < record.key.length; row++) {
    const index = record.key[row] as number;
    let column = columnsOfKeys.get(index);
    if (column === undefined) {
      column = openPart(columns, record.keys[index] as string, place);
      columnsOfKeys.set(index, column);
    }
    time += record.time[row] as number;
    if (time > latest) latest = time;
    const value = numberFromJson(record.value[row] as number | string);
    append(column, record.step[row] as number, time, value, record.attempt);
  }
  return latest;
}

/** Appends one value that is not a number. */
export function addValue(columns: Columns, record: ValueRecord, place: Place): void {
  const column = openPart(columns, record.key, place);
  column.numeric = false;
  const stored = { json: record.json, ...(record.meta !== undefined && { meta: record.meta }) };
  append(column, record.step, record.time, stored, record.attempt);
}

/** Removes the rows whose step is at least what `limit` gives for their segment; keys without rows go as well. */
export function supersede(columns: Columns, limit: (place: Place) => number): void {
  for (const [key, column] of columns) {
    const kept = keepBelow(column, limit);
    if (kept === 0) columns.delete(key);
  }
}

/** The rows of `column` that belong to `attempt`. */
export function rowsOfAttempt(column: Column, attempt: number): number[] {
  const rows: number[] = [];
  for (let row = 0; row < column.step.length; row++) {
    if ((column.attempt?.[row] ?? 1) === attempt) rows.push(row);
  }
  return rows;
}

/** What was tracked: the number itself, or the decoded value; of one whose meta is broken, its JSON. */
export function decodeStored(stored: number | StoredValue): unknown {
  if (typeof stored === "number") return stored;
  try {
    return decodeValue(stored.json, stored.meta);
  } catch {
    return stored.json; // only another program's meta can fail here; its JSON is still true
  }
}

function openPart(columns: Columns, key: string, place: Place): Column {
  let column = columns.get(key);
  if (column === undefined) {
    column = { step: [], time: [], value: [], attempt: undefined, numeric: true, parts: [] };
    columns.set(key, column);
  }
  const last = column.parts.at(-1);
  if (last?.writer !== place.writer || last.seq !== place.seq) {
    column.parts.push({ row: column.step.length, writer: place.writer, seq: place.seq });
  }
  return column;
}

function append(column: Column, step: number, time: number, value: number | StoredValue, attempt = 1): void {
  if (attempt !== 1 && column.attempt === undefined) column.attempt = column.step.map(() => 1);
  column.attempt?.push(attempt);
  column.step.push(step);
  column.time.push(time);
  column.value.push(value);
}

function keepBelow(column: Column, limit: (place: Place) => number): number {
  const { step, time, value, attempt, parts } = column;
  let kept = 0;
  parts.forEach((part, index) => {
    const end = parts[index + 1]?.row ?? step.length;
    const below = limit(part);
    for (let row = part.row; row < end; row++) {
      if ((step[row] as number) >= below) continue;
      step[kept] = step[row] as number;
      time[kept] = time[row] as number;
      value[kept] = value[row] as number | StoredValue;
      if (attempt !== undefined) attempt[kept] = attempt[row] as number;
      kept += 1;
    }
  });
  for (const list of [step, time, value, attempt ?? []]) list.length = Math.min(list.length, kept);
  column.numeric = value.every((item) => typeof item === "number");
  return kept;
}
