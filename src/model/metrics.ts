import { ValidationError } from "../errors.ts";
import { jsonSchemaOf, makeRule, type Rule } from "./metric-rule.ts";
import { nearest } from "./nearest.ts";
import { checkKey } from "./observation.ts";
import type { StandardProps, StandardSchema } from "./standard-schema.ts";

/**
 * The metric model: a schema of keys and values that every host of a run shares.
 *
 * zod schemas *encode*: track takes the output type and stores the input type, so a codec is what dumping by alias is
 * elsewhere. Other Standard Schemas validate, and what they put out is stored.
 */

export interface MetricOptions {
  /** Whether less or more is better; readers take the best value by it. None when absent. */
  readonly goal?: "min" | "max" | undefined;
  /** What the number counts, for people: "%", "s", "MiB". */
  readonly unit?: string | undefined;
}

/** The schema of a number of any kind: NaN, ±Infinity and -0 too. */
export interface Metric extends StandardSchema<number>, MetricOptions {}

/** key -> the schema of its value. */
export type MetricShape = Readonly<Record<string, StandardSchema>>;

/** A metric model as JSON Schema of what is stored; metrics carry `x-goal` and `x-unit`. */
export interface MetricModelSchema {
  readonly type: "object";
  readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly additionalProperties: boolean;
}

export interface MetricModel<Shape extends MetricShape = MetricShape, Others extends boolean = boolean> {
  readonly shape: Shape;
  /** Whether keys outside the shape pass. */
  readonly others: Others;
  /**
   * What is to be stored for `value`; undefined ("not measured") stays undefined. A number for a metric costs a map
   * lookup. With `others` a value outside the shape comes back as it is, its key unchecked.
   * @throws {ValidationError} naming key, value and rule, when the value breaks its schema or the key is unknown.
   */
  check(key: string, value: unknown): unknown;
  /** The model for a run's first record. A value's schema that cannot be told in JSON Schema is `{}`. */
  toJSON(): MetricModelSchema;
}

/** What `track` takes for a key: the output of a zod schema, the input of any other. */
export type TrackedValue<Schema> = Schema extends { readonly _zod: { readonly output: infer Output } }
  ? Output
  : Schema extends StandardSchema<infer Input, unknown>
    ? Input
    : never;

/** What `track` takes for the metric model `Model`; anything when there is none. */
export type Tracked<Model> =
  Model extends MetricModel<infer Shape, infer Others>
    ? { readonly [Key in keyof Shape]?: TrackedValue<Shape[Key]> | undefined } & (Others extends true
        ? Readonly<Record<string, unknown>>
        : unknown)
    : Readonly<Record<string, unknown>>;

/**
 * The schema of a metric: a number, NaN, ±Infinity and -0 included.
 * @throws {ValidationError} for a goal or unit that is none.
 */
export function metric(options: MetricOptions = {}): Metric {
  const { goal, unit } = options;
  if (goal !== undefined && goal !== "min" && goal !== "max") {
    throw new ValidationError("goal", `must be "min" or "max", found ${JSON.stringify(goal)}`);
  }
  if (unit !== undefined && typeof unit !== "string") {
    throw new ValidationError("unit", `must be a string, found ${typeof unit}`);
  }
  const json = () => ({ type: "number", ...(goal && { "x-goal": goal }), ...(unit && { "x-unit": unit }) });
  const standard: StandardProps<number> = {
    version: 1,
    vendor: "runlog",
    validate: (value) =>
      typeof value === "number"
        ? { value }
        : { issues: [{ message: `must be a number, found ${typeof value}` }] },
    jsonSchema: { input: json, output: json },
  };
  return { ...(goal && { goal }), ...(unit && { unit }), "~standard": standard };
}

/**
 * A metric model of `shape`. Keys outside it are a type error and a `ValidationError`, unless `others` is true.
 * @throws {ValidationError} naming the key, for a key that cannot be one, for what is no schema, and for schemas that
 * are async or work one way only (transforms).
 */
export function defineMetrics<const Shape extends MetricShape, const Others extends boolean = false>(
  shape: Shape,
  options: { readonly others?: Others | undefined } = {},
): MetricModel<Shape, Others> {
  const rules = new Map<string, Rule>();
  for (const [key, schema] of Object.entries(shape)) {
    checkKey(key);
    rules.set(key, makeRule(key, schema));
  }
  const others = (options.others ?? false) as Others;
  return {
    shape,
    others,
    check(key, value) {
      const rule = rules.get(key);
      if (rule !== undefined) return value === undefined ? undefined : rule(value);
      if (others) return value;
      throw new ValidationError(key, unknownKey(key, rules));
    },
    toJSON: () => ({
      type: "object",
      properties: Object.fromEntries(
        Object.entries(shape).map(([key, schema]) => [key, jsonSchemaOf(schema)]),
      ),
      additionalProperties: others,
    }),
  };
}

function unknownKey(key: string, rules: ReadonlyMap<string, Rule>): string {
  if (rules.size === 0)
    return "is not in the metric model, which has no keys; add it, or pass { others: true }";
  const near = nearest(key, rules.keys()).map((name) => `'${name}'`);
  return `is not in the metric model; did you mean ${near.join(", ")}? Otherwise add it, or pass { others: true }`;
}
