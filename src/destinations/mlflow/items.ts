import type { MetricsRecord, SegmentRecord, StoredValue } from "../../model/records.ts";
import { cutText } from "./names.ts";

/**
 * A segment as what MLflow knows: params, metrics, tags, in this fixed order, so that a ledger's offset names the same
 * item for ever. Whether a param becomes a tag (it changed) is decided when it is sent, not here.
 */

/** The most characters of a param's value; longer ones the server would cut in silence. */
export const longestParam = 6_000;
/** The most characters of a tag's value. */
export const longestTag = 8_000;

/** A run's parameter, from its start or set later. */
export interface ParameterItem {
  readonly type: "parameter";
  readonly name: string;
  readonly text: string;
}

/** An observation that is not a number. */
export interface ValueItem {
  readonly type: "value";
  readonly task: string;
  readonly key: string;
  readonly step: number;
  readonly text: string;
}

/** An observation that is one. */
export interface MetricItem {
  readonly type: "metric";
  readonly task: string;
  readonly key: string;
  readonly step: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** NaN and infinities are allowed. */
  readonly value: number;
}

/** A label of the run. */
export interface LabelItem {
  readonly type: "label";
  readonly name: string;
  readonly text: string;
}

export type Item = ParameterItem | ValueItem | MetricItem | LabelItem;

export interface SegmentItems {
  readonly params: readonly Item[];
  /** Metrics, then tags; their offsets go on after those of `params`. */
  readonly rest: readonly Item[];
  /** True when some writer ended in this segment. */
  readonly ends: boolean;
}

/** The items of a segment's records. */
export function itemsOf(records: readonly SegmentRecord[]): SegmentItems {
  const params: Item[] = [];
  const metrics: Item[] = [];
  const tags: Item[] = [];
  let ends = false;
  for (const record of records) {
    if (record.type === "run") {
      for (const [name, value] of Object.entries(record.parameters ?? {})) {
        params.push({ type: "parameter", name, text: textOf(value) });
      }
      for (const [name, text] of Object.entries(record.labels ?? {}))
        tags.push({ type: "label", name, text });
    } else if (record.type === "parameter") {
      params.push({ type: "parameter", name: record.name, text: textOf(record) });
    } else if (record.type === "value") {
      const { task, key, step } = record;
      params.push({ type: "value", task, key, step, text: textOf(record) });
    } else if (record.type === "metrics") {
      pushMetrics(metrics, record);
    } else if (record.type === "label") {
      tags.push({ type: "label", name: record.name, text: record.value });
    } else if (record.type === "finish") {
      ends = true;
    }
  }
  return { params, rest: metrics.concat(tags), ends };
}

/** A string as it is, everything else as its JSON. */
export function textOf(value: StoredValue): string {
  return typeof value.json === "string" ? value.json : (JSON.stringify(value.json) ?? "null");
}

/**
 * A text that a param or tag can hold: at most `length` characters, cut with `…`. NUL, which PostgreSQL refuses, and
 * half surrogate pairs, which are no UTF-8, become U+FFFD.
 */
export function fitText(text: string, length: number): string {
  const clean = text.replace(/\0|\p{Surrogate}/gu, "\ufffd");
  return clean.length <= length ? clean : `${cutText(clean, length - 1)}…`;
}

function pushMetrics(metrics: Item[], record: MetricsRecord): void {
  let time = 0;
  for (let index = 0; index < record.key.length; index++) {
    time += record.time[index] as number;
    metrics.push({
      type: "metric",
      task: record.task,
      key: record.keys[record.key[index] as number] as string,
      step: record.step[index] as number,
      time,
      value: Number(record.value[index]),
    });
  }
}
