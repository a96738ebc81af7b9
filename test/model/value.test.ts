import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeValue, encodeValue } from "../../src/model/value.ts";
import { jsonValue, richValue, toObject } from "./arbitraries.ts";
import { metricsThrough, valueThrough } from "./through.ts";

function returns(value: unknown): void {
  const found = valueThrough(value);
  if (!isDeepStrictEqual(found, value)) expect(found).toStrictEqual(value);
  expect(isDeepStrictEqual(found, value)).toBe(true);
}

describe("a value that was encoded, stored and decoded is what went in", () => {
  it("for plain JSON with any key, which never meets superjson", () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        expect(encodeValue(value).meta).toBeUndefined();
        returns(value);
      }),
      { numRuns: 1_000 },
    );
  });

  it("for rich values of any nesting", () => {
    fc.assert(fc.property(richValue, returns), { numRuns: 1_500 });
  });

  it("for every number as a metric", () => {
    const number = fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, -0));
    fc.assert(
      fc.property(fc.array(number, { maxLength: 50 }), (values) => {
        expect(isDeepStrictEqual(metricsThrough(values), values)).toBe(true);
      }),
    );
  });

  const now = new Date(1763888000123);
  it.each<[string, unknown]>([
    ["NaN", NaN],
    ["Infinity", Infinity],
    ["-Infinity", -Infinity],
    ["-0", -0],
    ["true", true],
    ["null", null],
    ["undefined at the top", undefined],
    ["a nested undefined", { a: undefined, b: [undefined, 1] }],
    ["a lone high surrogate", "a\ud83d"],
    ["a lone low surrogate", "\ude00b"],
    ["line separators", "\u2028\u2029"],
    ["a Date", now],
    ["the first and the last Date", [new Date(-8.64e15), new Date(8.64e15)]],
    ["a bigint", -(2n ** 200n)],
    [
      "a Map with odd keys",
      new Map<unknown, unknown>([
        [NaN, 1],
        [now, -0],
        [null, undefined],
        [{ a: 1 }, [2n]],
      ]),
    ],
    [
      "a Map inside a Map, as key and as value",
      new Map([[new Map([[1, 2]]), new Map([["a.b", new Map()]])]]),
    ],
    [
      "NaN at several places around a Map as key",
      new Map([[[NaN], { "": new Map([[new Map([[NaN, 0n]]), NaN]]) }]]),
    ],
    [
      "one RegExp in two Sets",
      (() => {
        const one = /a/g;
        return [new Set([one]), new Map([[one, new Set([one])]])];
      })(),
    ],
    ["a Set of Sets", new Set([new Set([1, NaN]), new Set(["x"])])],
    ["NaN and -0 in a Float32Array", Float32Array.of(NaN, -0, Infinity, -Infinity, 1.5)],
    ["NaN and -0 in a Float64Array", Float64Array.of(NaN, -0, Infinity, -Infinity, 5e-324)],
    ["the ends of BigInt64Array", BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)],
    ["the end of BigUint64Array", BigUint64Array.of(2n ** 64n - 1n)],
    ["an ArrayBuffer", Uint8Array.of(0, 255, 7).buffer],
    ["a DataView", new DataView(Uint8Array.of(1, 2, 3).buffer)],
    ["dots and backslashes in keys above rich values", { "a.b": { "c\\d": { "\\.": now, "": { "": 1n } } } }],
    ["keys that look like superjson's", { json: now, meta: { values: ["Date"] } }],
    [
      "own __proto__ in plain JSON",
      toObject([
        ["__proto__", { polluted: true }],
        ["constructor", 1],
        ["prototype", []],
      ]),
    ],
  ])("for %s", (_, value) => returns(value));

  it("for a view on a part of a buffer: only the bytes in sight", () => {
    const all = Uint8Array.from({ length: 2_000_000 }, (_, index) => index);
    returns(all.subarray(10, 20));
    const view = valueThrough(new DataView(all.buffer, 10, 4)) as DataView;
    expect([view.byteLength, view.getUint8(0)]).toEqual([4, 10]);
  });

  it("for one object at two places, which is no cycle", () => {
    const twice = { at: now };
    returns({ one: twice, two: [twice, twice] });
    const plain = { a: 1 };
    expect(encodeValue([plain, plain])).toEqual({ json: '[{"a":1},{"a":1}]' });
  });

  it("for objects without a prototype and of other contexts, as object literals", () => {
    expect(valueThrough(Object.assign(Object.create(null), { a: 1 }))).toStrictEqual({ a: 1 });
  });

  it("for a Buffer, as the Uint8Array that it is", () => {
    expect(valueThrough(Buffer.from([1, 2]))).toStrictEqual(Uint8Array.of(1, 2));
  });

  it("for holes in arrays, as undefined", () => {
    // biome-ignore lint/suspicious/noSparseArray: holes are what this is about
    expect(valueThrough([1, , 3])).toStrictEqual([1, undefined, 3]);
  });
});

describe("encoding", () => {
  it("copies: what the caller changes later is not stored, and a getter runs once", () => {
    let reads = 0;
    const value = {
      list: [1],
      get once() {
        reads += 1;
        return reads;
      },
    };
    const encoded = encodeValue(value);
    value.list.push(2);
    expect(encoded.json).toBe('{"list":[1],"once":1}');
    expect(reads).toBe(1);
  });

  it("leaves the caller's buffers and dates alone", () => {
    const array = Float64Array.of(1, NaN);
    encodeValue({ array });
    expect(array).toStrictEqual(Float64Array.of(1, NaN));
  });

  it("takes 32 levels, 10,000 values and 1 MiB", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 32; level++) deep = [deep];
    returns(deep);
    returns(Array.from({ length: 9_999 }, (_, index) => index));
    expect(encodeValue("x".repeat(1_048_574)).json).toHaveLength(1_048_576);
  });
});

describe("decoding what others wrote", () => {
  it("pollutes nothing, and says what is damaged", () => {
    const hostile: [unknown, unknown][] = [
      [JSON.parse('{"__proto__":{"polluted":1}}'), { values: { a: ["Date"] } }],
      [{ a: "x" }, { values: { "__proto__.polluted": ["bigint"] }, v: 1 }],
      [{ a: "x" }, { values: { "constructor.prototype.polluted": ["Date"] }, v: 1 }],
      [{ a: {} }, { referentialEqualities: { a: ["__proto__.polluted"] }, v: 1 }],
      ["x", { values: ["bigint"] }],
      ["x", { values: [["custom", "Nothing"]] }],
      [4_000_000_000, { values: [["custom", "ArrayBuffer"]] }],
      [4_000_000_000, { values: [["custom", "Float64Array"]] }],
      [1, 2],
      [{ a: 1 }, { values: { "a.b.c": ["Date"] }, v: 1 }],
    ];
    for (const [json, meta] of hostile) {
      try {
        decodeValue(json, meta);
      } catch (error) {
        expect(error).toMatchObject({
          code: "segment_damaged",
          message: expect.stringContaining("meta does not fit"),
        });
      }
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    }
    expect(() => decodeValue("x", { values: ["bigint"] })).toThrow("a value's meta does not fit its json");
  });

  it("allocates nothing for a number where a list of bytes should be", () => {
    for (const json of [4_000_000_000, { length: 4_000_000_000 }]) {
      for (const type of [
        ...["ArrayBuffer", "DataView", "Float64Array"].map((name) => ["custom", name]),
        ["typed-array", "Uint8Array"],
      ])
        expect(() => decodeValue(json, { values: [type], v: 1 })).toThrow(
          "a value's meta does not fit its json",
        );
    }
  });
});
