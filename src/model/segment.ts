import * as z from "zod/mini";
import type {
  ArtifactRecord,
  FinishRecord,
  LabelRecord,
  LostRecord,
  MetricsRecord,
  ParameterRecord,
  RunRecord,
  SegmentRecord,
  StoredValue,
  TaskRecord,
  ValueRecord,
} from "./records.ts";

/**
 * One schema for each type of record (`records.ts` explains every field). They check what comes from outside: a
 * server's request, an imported file, a store that another program may have touched.
 */

/** As far as Date reaches, so that every time can be written out. */
export const maxTime = 8_640_000_000_000_000;
/** The most levels of what is written out by a function that calls itself: values have 32, a JSON Schema more. */
export const maxLevels = 256;

export const time: z.ZodMiniType<number> = z.int().check(z.gte(-maxTime), z.lte(maxTime));
const name = z.string();
/** Not `z.record`, which drops the name `__proto__`. */
export const named = <T>(item: z.ZodMiniType<T>): z.ZodMiniType<Record<string, T>> =>
  z.custom(
    (value) => isObject(value) && Object.values(value).every((each) => z.safeParse(item, each).success),
  );
const json = z.custom<unknown>((value) => nestsAtMost(maxLevels, value));
const status = z.enum(["CREATED", "TRIGGERED", "PROCESSING", "SUCCESS", "FAIL"]);
const position = named(z.int().check(z.nonnegative()));
const stored = { json: z.optional(json), meta: z.optional(json) };
export const storedValue: z.ZodMiniType<StoredValue> = z.looseObject(stored);
/** It becomes the name of a ledger. */
const kind = z.string().check(z.regex(/^[a-z0-9][a-z0-9_-]{0,54}$/));
const attempt = z.optional(z.int());

const run: z.ZodMiniType<RunRecord> = z.looseObject({
  type: z.literal("run"),
  time,
  uid: z.string().check(z.regex(/^[0-9a-f]{32}$/)),
  tag: z.optional(z.string()),
  key: z.optional(z.string()),
  owner: z.optional(z.string()),
  parameters: z.optional(named(storedValue)),
  labels: z.optional(named(z.string())),
  model: z.optional(json),
  destinations: z.optional(z.array(z.looseObject({ kind, url: z.string() }))),
  code: z.optional(z.array(json)),
  log: z.optional(named<unknown>(json)),
  host: z.optional(json),
  store: z.string(),
  joined: z.optional(z.boolean()),
  seen: z.optional(position),
  ended: z.optional(z.array(z.string())),
  rewindTo: z.optional(z.int()),
});

const task: z.ZodMiniType<TaskRecord> = z.looseObject({
  type: z.literal("task"),
  task: name,
  path: z.optional(z.array(name).check(z.minLength(1))),
  kind: z.optional(z.string()),
  attempt: z.int(),
  status,
  time,
  micros: z.optional(z.int().check(z.gte(0), z.lte(999))),
  message: z.optional(z.string()),
  mock: z.optional(z.boolean()),
  code: z.optional(z.array(json)),
  parameters: z.optional(named<StoredValue>(z.looseObject(stored))),
});

const integers = z.custom<number[]>((value) => Array.isArray(value) && value.every(Number.isSafeInteger));
const numbers = z.custom<(number | string)[]>((value) => Array.isArray(value) && value.every(isMetricJson));

const metrics: z.ZodMiniType<MetricsRecord> = z
  .looseObject({
    type: z.literal("metrics"),
    task: name,
    attempt,
    keys: z.array(name),
    key: integers,
    step: integers,
    time: integers,
    value: numbers,
  })
  .check(
    z.refine(
      columnsFit,
      "the columns key, step, time and value must be of one length, point into keys and stay within Date",
    ),
  );

const value: z.ZodMiniType<ValueRecord> = z.looseObject({
  type: z.literal("value"),
  task: name,
  attempt,
  key: name,
  step: z.int(),
  time,
  ...stored,
});

const parameter: z.ZodMiniType<ParameterRecord> = z.looseObject({
  type: z.literal("parameter"),
  name,
  time,
  ...stored,
});

const label: z.ZodMiniType<LabelRecord> = z.looseObject({
  type: z.literal("label"),
  name,
  value: z.string(),
  time,
});

const artifact: z.ZodMiniType<ArtifactRecord> = z.looseObject({
  type: z.literal("artifact"),
  name,
  task: name,
  time,
  stage: z.enum(["put", "get"]),
  sha256: z.string(),
  size: z.int(),
});

const lost: z.ZodMiniType<LostRecord> = z.looseObject({
  type: z.literal("lost"),
  reason: z.string(),
  count: z.int().check(z.nonnegative()),
  uid: z.optional(z.string()),
  time: z.optional(time),
});

const finish: z.ZodMiniType<FinishRecord> = z.looseObject({
  type: z.literal("finish"),
  status: z.enum(["SUCCESS", "FAIL"]),
  time,
  message: z.optional(z.string()),
  signal: z.optional(z.string()),
  dead: z.optional(z.boolean()),
});

const schemas: Readonly<Record<string, z.ZodMiniType<SegmentRecord>>> = {
  run,
  task,
  metrics,
  value,
  parameter,
  label,
  artifact,
  lost,
  finish,
};

/**
 * A checked record. One of a type that this version does not know comes back as `{ type: "unknown", record }`.
 * @throws {Error} when a record of a known type breaks its schema; the message names the field.
 */
export function checkRecord(record: unknown): SegmentRecord {
  const type =
    typeof record === "object" && record !== null ? (record as { type?: unknown }).type : undefined;
  if (typeof type !== "string") throw new Error("a record must be an object with a 'type'");
  const schema = Object.hasOwn(schemas, type) ? schemas[type] : undefined;
  if (schema === undefined) return { type: "unknown", record };
  const parsed = z.safeParse(schema, record);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Error(
    `record '${type}': ${issue?.path.join(".") || "it"} is wrong (${issue?.message ?? "unknown"})`,
  );
}

function isMetricJson(item: unknown): boolean {
  if (typeof item === "number") return true;
  return item === "NaN" || item === "Infinity" || item === "-Infinity" || item === "-0";
}

function columnsFit(record: MetricsRecord): boolean {
  const length = record.key.length;
  if (record.step.length !== length || record.time.length !== length || record.value.length !== length)
    return false;
  let now = 0;
  for (const difference of record.time) {
    now += difference;
    if (Math.abs(now) > maxTime) return false;
  }
  return record.key.every((index) => index >= 0 && index < record.keys.length);
}

function nestsAtMost(levels: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((item) => nestsAtMost(levels - 1, item));
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
