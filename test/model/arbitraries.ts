import fc from "fast-check";

/** Any UTF-16, lone surrogates, U+2028 and control characters included. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 })
    .map((codes) => String.fromCharCode(...codes)),
  fc.constantFrom("", "\u2028\u2029", "\ud800", "\udc00x", "\u0000", "NaN", "a.b", "a\\b", '"', "\ufeff"),
);

const oddKeys = [
  "",
  "a.b",
  "a\\b",
  "a\\.b",
  ".",
  "\\",
  "..",
  "0",
  "toString",
  "hasOwnProperty",
  "json",
  "meta",
  "\u2028",
];
const forbidden = ["__proto__", "constructor", "prototype"];

const safeKey = fc.oneof(fc.constantFrom(...oddKeys), anyText).filter((key) => !forbidden.includes(key));
const anyKey = fc.oneof(safeKey, fc.constantFrom(...forbidden));

const anyNumber = fc.oneof(
  fc.double(),
  fc.constantFrom(NaN, Infinity, -Infinity, -0, 0, 5e-324, 2 ** 53, 1e300),
);
const jsonNumber = fc
  .double({ noDefaultInfinity: true, noNaN: true })
  .filter((value) => !Object.is(value, -0));

const floats = fc.array(anyNumber, { maxLength: 5 });
const bytes = fc.uint8Array({ maxLength: 24 });

const binary: fc.Arbitrary<unknown> = fc.oneof(
  bytes,
  bytes.map((data) => data.slice().buffer),
  bytes.map((data) => new DataView(data.slice().buffer)),
  fc.int8Array({ maxLength: 5 }),
  fc.uint8ClampedArray({ maxLength: 5 }),
  fc.int16Array({ maxLength: 5 }),
  fc.uint16Array({ maxLength: 5 }),
  fc.int32Array({ maxLength: 5 }),
  fc.uint32Array({ maxLength: 5 }),
  floats.map((list) => Float32Array.from(list)),
  floats.map((list) => Float64Array.from(list)),
  fc.bigInt64Array({ maxLength: 5 }),
  fc.bigUint64Array({ maxLength: 5 }),
);

const richLeaf: fc.Arbitrary<unknown> = fc.oneof(
  anyText,
  anyNumber,
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.bigInt(),
  fc.date({ noInvalidDate: true }),
  fc.webUrl().map((url) => new URL(url)),
  fc.constantFrom(/a.b\/c/giu, /^$/),
  binary,
);

/** Every value that can be tracked and is not plain JSON alone. */
export const richValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    richLeaf,
    tie("list"),
    tie("object"),
    tie("map"),
    tie("set"),
  ),
  list: fc.array(tie("any"), { maxLength: 4 }),
  object: fc.array(fc.tuple(safeKey, tie("any")), { maxLength: 4 }).map(toObject),
  map: fc.array(fc.tuple(tie("any"), tie("any")), { maxLength: 3 }).map((entries) => new Map(entries)),
  set: fc.array(tie("any"), { maxLength: 3 }).map((items) => new Set(items)),
})).any;

/** Plain JSON, with every key there is. */
export const jsonValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.oneof(anyText, jsonNumber, fc.boolean(), fc.constant(null)),
    tie("list"),
    tie("object"),
  ),
  list: fc.array(tie("any"), { maxLength: 4 }),
  object: fc.array(fc.tuple(anyKey, tie("any")), { maxLength: 4 }).map(toObject),
})).any;

/** An object literal that owns each key, `__proto__` too. */
export function toObject(entries: readonly (readonly [string, unknown])[]): object {
  const object = {};
  for (const [key, value] of entries) {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return object;
}
