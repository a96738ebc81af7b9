import * as z from "zod/mini";
import { parseJson } from "../model/json.ts";
import type { StoredValue } from "../model/records.ts";
import { numberFromJson, numberToJson } from "../model/rich.ts";
import { runIdRule } from "../model/run-id.ts";
import { named, storedValue, time } from "../model/segment.ts";
import { encodeValue, ValueRule } from "../model/value.ts";
import { decodeStored } from "../read/columns.ts";
import type { MetricSummary, RunSummary } from "../read/summary.ts";

/**
 * A run's summary on the wire: as `RunSummary`, but parameters are stored values (`{"json":…}`, with `meta` for what
 * JSON lacks) and numbers that JSON lacks are the strings "NaN", "Infinity", "-Infinity" and "-0".
 */
export interface SummaryJson extends Omit<RunSummary, "parameters" | "metrics"> {
  readonly parameters: Readonly<Record<string, StoredValue>>;
  readonly metrics: Readonly<Record<string, Readonly<Record<string, number | string>>>>;
}

const number = z.union([z.number(), z.enum(["NaN", "Infinity", "-Infinity", "-0"])]);
const text = z.string();
const metric = z.looseObject({
  last: number,
  lastStep: number,
  min: number,
  max: number,
  best: z.optional(number),
  bestStep: z.optional(number),
  count: number,
});

/** What a server's summary must look like. */
export const summarySchema: z.ZodMiniType<SummaryJson> = z.looseObject({
  run: text.check(z.refine((id) => runIdRule(id) === undefined, "is no run id")),
  uid: text,
  tag: z.optional(text),
  key: z.optional(text),
  status: z.enum(["CREATED", "TRIGGERED", "PROCESSING", "SUCCESS", "FAIL"]),
  signal: z.optional(text),
  started: time,
  ended: z.optional(time),
  updated: time,
  parameters: named(storedValue),
  labels: named(text),
  metrics: named(metric),
  observations: z.number(),
  writers: z.array(text),
  destinations: z.array(z.looseObject({ kind: text, url: text })),
  store: text,
  joined: z.boolean(),
}) as unknown as z.ZodMiniType<SummaryJson>;

/** A summary as the server sends it. */
export function encodeSummary(summary: RunSummary): SummaryJson {
  return {
    ...summary,
    parameters: mapped(summary.parameters, storedOf),
    metrics: mapped(summary.metrics, (metric) =>
      mapped({ ...metric } as Record<string, number>, numberToJson),
    ),
  };
}

/**
 * A summary as a store gives it.
 * @throws {Error} when `json` is none; the message names the field.
 */
export function decodeSummary(json: unknown): RunSummary {
  const { tag, key, signal, ended, ...rest } = z.parse(summarySchema, json);
  return {
    ...rest,
    tag,
    key,
    signal,
    ended,
    parameters: mapped(rest.parameters, decodeStored),
    metrics: mapped(rest.metrics, (metric) => mapped(metric, numberFromJson) as unknown as MetricSummary),
  };
}

function storedOf(value: unknown): StoredValue {
  try {
    const { json, meta } = encodeValue(value);
    return { json: parseJson(json), ...(meta !== undefined && { meta: parseJson(meta) }) };
  } catch (error) {
    if (!(error instanceof ValueRule)) throw error;
    return { json: value }; // JSON past the limits of track(): another program wrote it
  }
}

function mapped<From, To>(
  record: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
