import * as z from "zod/mini";
import { messageOf, ValidationError } from "../errors.ts";
import type { StandardIssue, StandardResult, StandardSchema } from "./standard-schema.ts";
import { encodeValue, ValueRule } from "./value.ts";

/**
 * What a metric model does with one key: its schema, made into a function that gives what is to be stored. zod is
 * recognised by `_zod`, which every copy of zod 4 has, and our own metrics by their vendor.
 */

/** Gives what is to be stored for a value, or throws a `ValidationError`. Never called with undefined. */
export type Rule = (value: unknown) => unknown;

/** What zod keeps of a schema's making, the parts that we look at. */
interface ZodDefinition extends Readonly<Record<string, unknown>> {
  readonly type?: string;
  readonly fn?: unknown;
  readonly shape?: object;
  readonly in?: unknown;
}
type Zod = StandardSchema & z.core.$ZodType;

/**
 * The rule of `schema` for the values of `key`.
 * @throws {ValidationError} for what is no schema, and for schemas that are async or work one way only.
 */
export function makeRule(key: string, schema: StandardSchema): Rule {
  const standard = (schema as StandardSchema | null | undefined)?.["~standard"];
  if (typeof standard?.validate !== "function") {
    throw new ValidationError(key, "must be metric() or a schema (zod 4 or any Standard Schema)");
  }
  if (standard.vendor === "runlog") return numberRule(key);
  if (isZod(schema)) {
    const flaw = flawOf(schema, new Set());
    if (flaw !== undefined) throw new ValidationError(key, flaw);
    return zodRule(key, schema);
  }
  if (answersLate(schema)) throw new ValidationError(key, asyncFlaw);
  return standardRule(key, schema);
}

/**
 * JSON Schema of what is stored. The full zod and other libraries say it themselves; zod/mini leaves that to
 * `z.toJSONSchema`, which is 6.7 kB gzipped and therefore not here: its schemas give their type only.
 */
export function jsonSchemaOf(schema: StandardSchema): Readonly<Record<string, unknown>> {
  const stored = isZod(schema) ? "input" : "output";
  const own = schema["~standard"].jsonSchema?.[stored];
  if (own === undefined) return isZod(schema) ? typeOnly(definitionOf(schema)) : {};
  try {
    const { $schema: _, ...json } = own({
      target: "draft-2020-12",
      libraryOptions: { unrepresentable: "any" },
    });
    return json;
  } catch {
    // What JSON Schema cannot say, or a target that the library does not know: {} means "anything", which is true.
    return {};
  }
}

function isZod(schema: object): schema is Zod {
  return "_zod" in schema;
}

function definitionOf(schema: z.core.$ZodType): ZodDefinition {
  return schema._zod.def as unknown as ZodDefinition;
}

function numberRule(key: string): Rule {
  return (value) => {
    if (typeof value === "number") return value;
    throw new ValidationError(key, refusal(value, "must be a number"));
  };
}

function zodRule(key: string, schema: Zod): Rule {
  return (value) => {
    const result = attempt(key, () => z.safeEncode(schema, value));
    if (result.success) return result.data;
    throw new ValidationError(key, refusal(value, issueText(result.error.issues)));
  };
}

function standardRule(key: string, schema: StandardSchema): Rule {
  return (value) => {
    const result = attempt(key, () => schema["~standard"].validate(value));
    if (isLate(result)) throw new ValidationError(key, asyncFlaw);
    if (result.issues === undefined) return result.value;
    throw new ValidationError(key, refusal(value, issueText(result.issues)));
  };
}

function attempt<Result>(key: string, check: () => Result): Result {
  try {
    return check();
  } catch (cause) {
    throw new ValidationError(
      key,
      `could not be checked, its schema threw: ${messageOf(cause)}; a schema must be synchronous and work both ways`,
      { cause },
    );
  }
}

function issueText(issues: readonly StandardIssue[]): string {
  const issue = issues[0];
  const path = (issue?.path ?? [])
    .map((part) => String(typeof part === "object" ? part.key : part))
    .join(".");
  return `breaks its schema${path && ` at '${path}'`}: ${issue?.message ?? "it is refused"}`;
}

/** `rule` and the value's beginning; for what can be stored nowhere (a Tensor, a promise), that instead. */
function refusal(value: unknown, rule: string): string {
  try {
    const { json } = encodeValue(value);
    return `${rule}, found ${json.length > 60 ? `${json.slice(0, 60)}…` : json}`;
  } catch (error) {
    if (error instanceof ValueRule) return error.message;
    throw error;
  }
}

const asyncFlaw = "has an async schema, but track() is synchronous: give a synchronous one";
const oneWayFlaw = "has a transform, which works one way only: use z.codec(), which can encode too";
const children =
  "innerType in out element options items rest keyType valueType left right catchall checks getter".split(
    " ",
  );

/** Why `schema` cannot encode at the call, as far as its definition shows; the rest shows at the call. */
function flawOf(schema: z.core.$ZodType, seen: Set<unknown>): string | undefined {
  if (seen.has(schema)) return undefined;
  seen.add(schema);
  const def = definitionOf(schema);
  if (def.type === "transform") return oneWayFlaw;
  if (def.type === "promise" || isAsyncFunction(def.fn)) return asyncFlaw;
  for (const part of partsOf(def)) {
    const flaw = flawOf(part, seen);
    if (flaw !== undefined) return flaw;
  }
  return undefined;
}

function partsOf(def: ZodDefinition): z.core.$ZodType[] {
  const found = children.flatMap((name) =>
    name === "getter" ? (def[name] as (() => unknown) | undefined)?.() : def[name],
  );
  return [...found, ...Object.values(def.shape ?? {})].filter(
    (part): part is z.core.$ZodType => typeof part === "object" && part !== null && isZod(part),
  );
}

function isAsyncFunction(value: unknown): boolean {
  return typeof value === "function" && Object.prototype.toString.call(value) === "[object AsyncFunction]";
}

/** Whether a Standard Schema is async, which only its answer shows: it is asked about undefined. */
function answersLate(schema: StandardSchema): boolean {
  try {
    return isLate(schema["~standard"].validate(undefined));
  } catch {
    // Throwing instead of answering is against the standard; whether it also does so for real values shows at track.
    return false;
  }
}

function isLate(
  result: StandardResult<unknown> | Promise<StandardResult<unknown>>,
): result is Promise<StandardResult<unknown>> {
  if (typeof (result as { then?: unknown }).then !== "function") return false;
  // The answer comes too late to matter, and its rejection must not end the process as an unhandled one.
  (result as PromiseLike<unknown>).then(undefined, () => undefined);
  return true;
}

function typeOnly(def: ZodDefinition): Readonly<Record<string, unknown>> {
  switch (def.type) {
    case "string":
    case "number":
    case "boolean":
    case "null":
    case "array":
    case "object":
      return { type: def.type };
    case "pipe":
      return typeOnly(definitionOf(def.in as Zod));
    default:
      return {};
  }
}
