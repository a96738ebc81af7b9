import type { StoredValue } from "../model/records.ts";
import { numberToJson } from "../model/rich.ts";
import type { Segment } from "../model/segment-line.ts";
import { type Column, rowsOfAttempt } from "../read/columns.ts";
import { foldSegments } from "../read/fold.ts";
import { runLogChunks } from "../read/run-log.ts";
import { columnOf } from "../read/series.ts";
import type { RunState, TaskState } from "../read/state.ts";
import type { Store } from "../stores/store.ts";
import { HttpProblem } from "./problem.ts";

/**
 * The fold of a run.
 * @throws {HttpProblem} 404 when the store has no such run
 */
export async function foldRun(store: Store, run: string): Promise<RunState> {
  const segments: Segment[] = [];
  for await (const segment of store.segments(run)) segments.push(segment);
  const state = foldSegments(segments);
  if (state === undefined) {
    throw new HttpProblem(404, { code: "not_found", detail: `there is no run '${run}' in this store` });
  }
  return state;
}

/** The whole run log, every step of every key, as it is made. */
export function runLogStream(state: RunState): ReadableStream<Uint8Array> {
  const chunks = runLogChunks(state, { full: true });
  const encoder = new TextEncoder();
  return new ReadableStream({
    pull(controller) {
      const { done, value } = chunks.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
  });
}

/** The run with only the last value of each key, as if tracked without a step. */
export function lastOnly(state: RunState): RunState {
  const tasks = [...state.tasks].map(
    ([name, task]) => [name, { ...task, columns: lastColumns(task) }] as const,
  );
  return { ...state, tasks: new Map(tasks) };
}

function lastColumns({ columns, shown }: TaskState): Map<string, Column> {
  const last = new Map<string, Column>();
  for (const [key, column] of columns) {
    const row = rowsOfAttempt(column, shown).at(-1);
    const value = row === undefined ? undefined : column.value[row];
    if (row === undefined || value === undefined) continue;
    const time = column.time[row] as number;
    last.set(key, { ...column, step: [0], time: [time], value: [value], attempt: [shown], parts: [] });
  }
  return last;
}

/** Columns of equal length; NaN, ±Infinity and -0 as strings, rich values as the `json` half of superjson. */
export interface SeriesJson {
  readonly step: readonly number[];
  readonly time: readonly number[];
  readonly value: readonly unknown[];
}

/** @throws {RunlogError} `not_found` or `invalid`, as `seriesOf` */
export function seriesJson(state: RunState, key: string, task: string | undefined): SeriesJson {
  const { step, time, value } = columnOf(state, key, task);
  return { step, time, value: value.map(jsonHalf) };
}

function jsonHalf(value: number | StoredValue): unknown {
  return typeof value === "number" ? numberToJson(value) : (value.json ?? null);
}

/**
 * The segments of one writer from a number on as JSON Lines, whole lines up to about `mostBytes` but at least one.
 * An error of the store breaks the connection off, which no reader takes for the end.
 */
export async function segmentLines(
  store: Store,
  run: string,
  from: { readonly writer: string; readonly seq: number },
  mostBytes: number,
): Promise<ReadableStream<Uint8Array>> {
  const position = await store.position(run);
  // Other writers from their ends, so that only this one's come.
  const segments = store.segments(run, { ...position, [from.writer]: from.seq })[Symbol.asyncIterator]();
  let bytes = 0;
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await segments.next();
      if (done) return controller.close();
      if (value.writer !== from.writer) return; // began to write after the position was read
      if (bytes > 0 && bytes + value.bytes.length > mostBytes) {
        controller.close();
        await segments.return?.();
        return;
      }
      bytes += value.bytes.length + 1;
      const line = new Uint8Array(value.bytes.length + 1);
      line.set(value.bytes);
      line[value.bytes.length] = 10;
      controller.enqueue(line);
    },
    async cancel() {
      await segments.return?.();
    },
  });
}
