import * as z from "zod/mini";
import type { StoredValue } from "../model/records.ts";
import { numberFromJson, numberToJson } from "../model/rich.ts";
import { decodeValue, encodeValue } from "../model/value.ts";
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
const time = z.number();

/** What a server's summary must look like. */
export const summarySchema: z.ZodMiniType<SummaryJson> = z.looseObject({
  run: text,
  uid: text,
  tag: z.optional(text),
  key: z.optional(text),
  status: z.enum(["CREATED", "TRIGGERED", "PROCESSING", "SUCCESS", "FAIL"]),
  signal: z.optional(text),
  started: time,
  ended: z.optional(time),
  updated: time,
  parameters: z.record(text, z.looseObject({ json: z.optional(z.unknown()), meta: z.optional(z.unknown()) })),
  labels: z.record(text, text),
  metrics: z.record(text, z.record(text, number)),
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
    parameters: mapped(summary.parameters, stored),
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
    parameters: mapped(rest.parameters, (value) => decodeValue(value.json, value.meta)),
    metrics: mapped(rest.metrics, (metric) => mapped(metric, numberFromJson) as unknown as MetricSummary),
  };
}

function stored(value: unknown): StoredValue {
  const { json, meta } = encodeValue(value);
  return {
    json: JSON.parse(json) as unknown,
    ...(meta !== undefined && { meta: JSON.parse(meta) as unknown }),
  };
}

function mapped<From, To>(
  record: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
