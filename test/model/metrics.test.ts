import fc from "fast-check";
import { describe, expect, it } from "vitest";
// biome-ignore lint/style/noRestrictedImports: models of both zods must work
import * as full from "zod";
import * as z from "zod/mini";
import { ValidationError } from "../../src/errors.ts";
import { defineMetrics, type MetricShape, metric } from "../../src/model/metrics.ts";
import { nearest } from "../../src/model/nearest.ts";
import type { StandardResult, StandardSchema } from "../../src/model/standard-schema.ts";

const date = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (value) => value.toISOString(),
});
const alias = z.codec(z.object({ learning_rate: z.number() }), z.object({ learningRate: z.number() }), {
  decode: (stored) => ({ learningRate: stored.learning_rate }),
  encode: (tracked) => ({ learning_rate: tracked.learningRate }),
});

/** A Standard Schema of another library. */
function other<Input, Output>(
  validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>,
): StandardSchema<Input, Output> {
  return { "~standard": { version: 1, vendor: "other", validate } };
}
const length = other<string, number>((value) =>
  typeof value === "string"
    ? { value: value.length }
    : { issues: [{ message: "no text", path: ["a", { key: 0 }] }] },
);

const model = defineMetrics({
  loss: metric({ goal: "min" }),
  accuracy: metric({ goal: "max", unit: "%" }),
  note: z.string(),
  at: date,
  options: alias,
  length,
});

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ValidationError);
    return (error as Error).message;
  }
  throw new Error("it was taken");
}

describe("a metric", () => {
  it("takes every number as it is", () => {
    const number = fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, -0));
    fc.assert(fc.property(number, (value) => Object.is(model.check("loss", value), value)));
  });

  it.each<[unknown, string]>([
    ["0.3", `'loss' must be a number, found "0.3"`],
    [null, "'loss' must be a number, found null"],
    [true, "'loss' must be a number, found true"],
    [3n, `'loss' must be a number, found "3"`],
    [[1], "'loss' must be a number, found [1]"],
    ["x".repeat(10_000_000), "'loss' is over 1 MiB as JSON; keep it as a file and track its name"],
    [{ long: "x".repeat(500) }, `'loss' must be a number, found {"long":"${"x".repeat(51)}…`],
    [Promise.resolve(1), "'loss' is a Promise: await it and track the result"],
    [new (class Tensor {})(), "'loss' is a Tensor: pass (await t.data())[0]"],
    [() => 1, "'loss' holds a function, which cannot be stored; track what it returns or stands for"],
  ])("refuses what is none, case %#", (value, message) => {
    expect(refusal(() => model.check("loss", value))).toBe(message);
  });

  it("is a Standard Schema of its own, with goal and unit", async () => {
    const schema = metric({ goal: "max", unit: "s" });
    expect(schema).toMatchObject({ goal: "max", unit: "s" });
    expect(await schema["~standard"].validate(-0)).toEqual({ value: -0 });
    expect(await schema["~standard"].validate("1")).toEqual({
      issues: [{ message: "must be a number, found string" }],
    });
  });

  it("has no other goal than min and max", () => {
    expect(refusal(() => metric({ goal: "minimize" as "min" }))).toBe(
      `'goal' must be "min" or "max", found "minimize"`,
    );
    expect(refusal(() => metric({ unit: 7 as unknown as string }))).toBe(
      "'unit' must be a string, found number",
    );
  });
});

describe("a zod schema", () => {
  it("encodes: the output type goes in, the input type is stored", () => {
    const at = new Date(1763888000123);
    expect(model.check("at", at)).toBe("2025-11-23T08:53:20.123Z");
    expect(model.check("options", { learningRate: 0.1 })).toEqual({ learning_rate: 0.1 });
    expect(model.check("note", "good")).toBe("good");
  });

  it("of the full zod does the same", () => {
    const shape = {
      size: full.codec(full.string(), full.number(), { decode: Number, encode: String }),
      flag: full.stringbool(),
    };
    const both = defineMetrics(shape);
    expect(both.check("size", 7)).toBe("7");
    expect(both.check("flag", true)).toBe("true");
    expect(refusal(() => both.check("size", "7"))).toContain("'size' breaks its schema: Invalid input");
  });

  it.each<[string, unknown, string]>([
    ["note", 7, "'note' breaks its schema: Invalid input: expected string, received number, found 7"],
    ["at", "today", "'at' breaks its schema: Invalid input: expected date, received string, found \"today\""],
    [
      "options",
      { learningRate: "a" },
      "'options' breaks its schema at 'learningRate': Invalid input: expected number, received string, found {\"learningRate\":\"a\"}",
    ],
  ])("refuses for '%s' what breaks it", (key, value, message) => {
    z.config(z.locales.en());
    expect(refusal(() => model.check(key, value))).toBe(message);
  });

  it("leaves undefined out: it means not measured", () => {
    for (const key of Object.keys(model.shape)) expect(model.check(key, undefined)).toBeUndefined();
  });
});

describe("another Standard Schema", () => {
  it("validates, and what it puts out is stored", () => {
    expect(model.check("length", "four")).toBe(4);
    expect(refusal(() => model.check("length", 4))).toBe(
      "'length' breaks its schema at 'a.0': no text, found 4",
    );
  });

  it("that throws is named", () => {
    const bad = defineMetrics({
      bad: other((value) => {
        throw new Error(`no ${value}`);
      }),
    });
    expect(refusal(() => bad.check("bad", 1))).toBe(
      "'bad' could not be checked, its schema threw: no 1; a schema must be synchronous and work both ways",
    );
  });
});

describe("refused at definition, by key:", () => {
  const oneWay = "has a transform, which works one way only: use z.codec(), which can encode too";
  const late = "has an async schema, but track() is synchronous: give a synchronous one";
  const none = "must be metric() or a schema (zod 4 or any Standard Schema)";
  const transform = z.pipe(
    z.string(),
    z.transform((text) => text.length),
  );
  it.each<[string, unknown, string]>([
    ["a transform", transform, oneWay],
    ["a transform inside", z.object({ a: z.array(z.optional(transform)) }), oneWay],
    ["a transform behind lazy", z.lazy(() => transform), oneWay],
    ["a transform in a union", z.union([z.number(), transform]), oneWay],
    ["a transform of the full zod", full.string().transform(Number), oneWay],
    ["preprocess", full.preprocess(String, full.string()), oneWay],
    ["an async refinement", z.string().check(z.refine(async () => true)), late],
    ["an async refinement inside", z.array(full.string().refine(async () => true)), late],
    ["a promise", z.promise(z.string()), late],
    ["an async schema of another library", other(async () => ({ value: 1 })), late],
    ["an async schema that rejects", other(() => Promise.reject(new Error("no"))), late],
    ["a class", Number, none],
    ["null", null, none],
    ["a type in words", "number", none],
  ])("%s", (_, schema, rule) => {
    const shape = { "a.b": schema } as unknown as MetricShape;
    expect(refusal(() => defineMetrics(shape))).toBe(`'a.b' ${rule}`);
  });

  it("keys that are none", () => {
    expect(refusal(() => defineMetrics({ "": metric() }))).toBe("'' must not be empty (a key)");
    expect(refusal(() => defineMetrics({ "a\n": metric() }))).toContain(
      "must not hold control characters (a key)",
    );
  });

  it("not a schema that contains itself", () => {
    interface Tree {
      children: Tree[];
    }
    const tree: z.ZodMiniType<Tree> = z.object({ children: z.array(z.lazy(() => tree)) });
    expect(defineMetrics({ tree }).check("tree", { children: [{ children: [] }] })).toEqual({
      children: [{ children: [] }],
    });
  });

  it("not what shows at the call only, and then there", () => {
    const codec = z.codec(z.string(), z.number(), { decode: async () => 1, encode: async () => "1" });
    const sometimes = other((value) => (value === undefined ? { value } : Promise.reject(new Error("no"))));
    const model = defineMetrics({ codec, sometimes });
    expect(refusal(() => model.check("codec", 1))).toContain(
      "a schema must be synchronous and work both ways",
    );
    expect(refusal(() => model.check("sometimes", 1))).toBe(`'sometimes' ${late}`);
  });
});

describe("keys outside the model", () => {
  it("are refused with the nearest known ones", () => {
    expect(refusal(() => model.check("acuracy", 1))).toBe(
      "'acuracy' is not in the metric model; did you mean 'accuracy', 'at', 'loss'? Otherwise add it, or pass { others: true }",
    );
    expect(refusal(() => defineMetrics({}).check("a", 1))).toBe(
      "'a' is not in the metric model, which has no keys; add it, or pass { others: true }",
    );
    for (const key of ["toString", "__proto__", "constructor"])
      expect(() => model.check(key, 1)).toThrow(ValidationError);
  });

  it("pass with others, as they are", () => {
    const open = defineMetrics({ loss: metric() }, { others: true });
    const value = { any: 1 };
    expect(open.check("eggs", value)).toBe(value);
    expect(() => open.check("loss", "x")).toThrow(ValidationError);
  });

  it("are found by the fewest edits", () => {
    expect(nearest("Los", ["accuracy", "lr", "loss"], 2)).toEqual(["loss", "lr"]);
    expect(nearest("", ["b", ""], 1)).toEqual([""]);
    expect(nearest("kitten", ["sitting", "mitten"], 1)).toEqual(["mitten"]);
  });
});

describe("the model as JSON Schema", () => {
  it("tells what is stored", () => {
    expect(model.toJSON()).toEqual({
      type: "object",
      properties: {
        loss: { type: "number", "x-goal": "min" },
        accuracy: { type: "number", "x-goal": "max", "x-unit": "%" },
        note: { type: "string" },
        at: { type: "string" },
        options: { type: "object" },
        length: {},
      },
      additionalProperties: false,
    });
    expect(defineMetrics({}, { others: true }).toJSON().additionalProperties).toBe(true);
  });

  it("is exact where the library tells it, and {} where it cannot", () => {
    const throws = {
      ...length["~standard"],
      jsonSchema: {
        input: () => ({}),
        output: () => {
          throw new Error("no");
        },
      },
    };
    const exact = defineMetrics({
      size: full.codec(full.string().max(3), full.number(), { decode: Number, encode: String }),
      at: full.date(),
      throws: { "~standard": throws },
    });
    expect(exact.toJSON().properties).toEqual({ size: { type: "string", maxLength: 3 }, at: {}, throws: {} });
    expect(JSON.parse(JSON.stringify(exact))).toEqual(exact.toJSON());
  });

  it("keeps a key named __proto__", () => {
    const odd = defineMetrics({ ["__proto__"]: metric() });
    expect(Object.keys(odd.toJSON().properties)).toEqual(["__proto__"]);
    expect(odd.check("__proto__", 1)).toBe(1);
  });
});
