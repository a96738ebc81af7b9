import type { FinishRecord, RunRecord, TaskRecord } from "../../src/model/records.ts";
import { numberToJson } from "../../src/model/rich.ts";
import { encodeSegment, type Segment } from "../../src/model/segment-line.ts";
import { encodeValue } from "../../src/model/value.ts";

/** Segments written by hand, for tests of the fold. */

export const uid = "0123456789abcdef0123456789abcdef";
export const runId = "calm-curie-1200-abcdefgh";
/** 2025-11-23 10:00:00 UTC. */
export const t0: number = Date.UTC(2025, 10, 23, 10);

/** The writer of that number: 12 hex digits. */
export function writerName(number: number): string {
  return number.toString(16).padStart(12, "0");
}

export function segment(
  writer: number | string,
  seq: number,
  records: readonly object[],
  clock: number = t0 + seq,
): Segment {
  const name = typeof writer === "number" ? writerName(writer) : writer;
  const texts = records.map((record) => JSON.stringify(record));
  return encodeSegment({ run: runId, writer: name, seq, clock }, texts);
}

export function run(fields: Partial<RunRecord> = {}): RunRecord {
  return { type: "run", time: t0, uid, store: "store-a", ...fields };
}

export function finish(
  status: "SUCCESS" | "FAIL" = "SUCCESS",
  fields: Partial<FinishRecord> = {},
): FinishRecord {
  return { type: "finish", status, time: t0 + 1_000, ...fields };
}

export function task(
  name: string,
  status: TaskRecord["status"],
  fields: Partial<TaskRecord> = {},
): TaskRecord {
  return { type: "task", task: name, attempt: 1, status, time: t0, ...fields };
}

/** One observation: what a test cares about. */
export interface Seen {
  readonly key: string;
  readonly step?: number;
  readonly value: unknown;
  readonly task?: string;
  readonly attempt?: number;
  readonly time?: number;
}

/** The record of one observation, of either kind. */
export function observe({ key, step = 0, value, task: name = "main", attempt, time = t0 }: Seen): object {
  const head = { task: name, ...(attempt !== undefined && { attempt }) };
  if (typeof value === "number") {
    return {
      type: "metrics",
      ...head,
      keys: [key],
      key: [0],
      step: [step],
      time: [time],
      value: [numberToJson(value)],
    };
  }
  const { json, meta } = encodeValue(value);
  const rich = meta === undefined ? {} : { meta: JSON.parse(meta) as unknown };
  return { type: "value", ...head, key, step, time, json: JSON.parse(json) as unknown, ...rich };
}

/** Several numbers of one key at steps 0, 1, 2, … */
export function metrics(key: string, values: readonly number[], from = 0, name = "main"): object {
  return {
    type: "metrics",
    task: name,
    keys: [key],
    key: values.map(() => 0),
    step: values.map((_, index) => from + index),
    time: values.map((_, index) => (index === 0 ? t0 : 1)),
    value: values.map(numberToJson),
  };
}
