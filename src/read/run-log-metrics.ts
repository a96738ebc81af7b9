import type { StoredValue } from "../model/records.ts";
import { type Column, rowsOfAttempt } from "./columns.ts";
import { Entries } from "./run-log-text.ts";
import { sampleRows } from "./sample.ts";

/** Past this many steps a key is sampled unless the whole is asked for. */
export const sampledFrom = 100_000;
/** The most steps of a sampled key. */
export const sampleSize = 10_000;

/** A key that the run log shows in part. */
export interface Sampled {
  readonly task: string;
  readonly key: string;
  readonly steps: number;
  readonly kept: number;
}

/** One key's observations of one attempt as the run log shows them. */
export interface Shown {
  /** The plain value, or `Entries` by step. */
  readonly json: unknown;
  /** [steps, steps kept] when it is a sample. */
  readonly sampled: readonly [number, number] | undefined;
}

/**
 * Only step 0: its value. Otherwise an object by step in the order of tracking; of several values at one step the last
 * one stands. Undefined when the attempt has none.
 */
export function shownMetric(column: Column, attempt: number, full: boolean): Shown | undefined {
  const rows = lastOfSteps(column, rowsOfAttempt(column, attempt));
  if (rows.length === 0) return undefined;
  const only = rows[0] as number;
  if (rows.length === 1 && column.step[only] === 0)
    return { json: valueJson(column, only), sampled: undefined };
  if (full || rows.length <= sampledFrom) return { json: bySteps(column, rows), sampled: undefined };
  const kept = sampleRows(column.value, rows, sampleSize);
  return { json: bySteps(column, kept), sampled: [rows.length, kept.length] };
}

/** The row of the last value of each step, in the order in which the steps first came. */
function lastOfSteps({ step }: Column, rows: number[]): number[] {
  if (grows(step, rows)) return rows;
  const last = new Map<number, number>();
  for (const row of rows) last.set(step[row] as number, row);
  return [...last.values()];
}

function grows(step: readonly number[], rows: readonly number[]): boolean {
  for (let index = 1; index < rows.length; index++) {
    if ((step[rows[index] as number] as number) <= (step[rows[index - 1] as number] as number)) return false;
  }
  return true;
}

function bySteps(column: Column, rows: readonly number[]): Entries {
  return new Entries(function* () {
    for (const row of rows) yield [String(column.step[row]), valueJson(column, row)];
  });
}

function valueJson({ value }: Column, row: number): unknown {
  const stored = value[row] as number | StoredValue;
  if (typeof stored !== "number") return stored.json ?? null;
  return Number.isFinite(stored) ? stored : String(stored);
}
