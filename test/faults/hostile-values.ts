import fc from "fast-check";
import { toObject } from "../model/arbitraries.ts";

/** Keys and values that were made to reach prototypes, in every place that data takes. */

const proto = ["__proto__", "constructor", "prototype"];
const odd = [
  "toString",
  "valueOf",
  "hasOwnProperty",
  "toJSON",
  "then",
  "length",
  "json",
  "meta",
  "values",
  "type",
  "x-goal",
  "properties",
  "__defineGetter__",
  "__proto__.polluted",
  "constructor.prototype.polluted",
  "a\\.b",
  "0",
  "-0",
  "\n",
  '"',
  "\\",
  "\ue000",
  "k0",
];

/** A key of an object. */
export const hostileKey: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...proto) },
  { weight: 2, arbitrary: fc.constantFrom(...odd) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 8 }) },
);

/** A key, task, parameter or label that track() takes. */
export const hostileName: fc.Arbitrary<string> = hostileKey.filter((key) =>
  /^[^\p{Cc}\p{Cs}]{1,200}$/u.test(key),
);

const leaf = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, "", "__proto__", "polluted", 0, 1e308, -1e-308),
  fc.constantFrom(...proto).map((key) => toObject([[key, { polluted: true }]])),
  fc.string({ unit: "binary", maxLength: 6 }),
  fc.integer(),
);

/** Plain JSON. */
export const hostileJson: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  any: fc.oneof({ depthSize: "small", withCrossShrink: true }, leaf, tie("list"), tie("object")),
  list: fc.array(tie("any"), { maxLength: 3 }),
  object: fc.array(fc.tuple(hostileKey, tie("any")), { minLength: 1, maxLength: 4 }).map(toObject),
})).any;

const path = fc
  .array(fc.oneof(hostileKey, fc.constantFrom("a", "0", "1")), { maxLength: 4 })
  .map((parts) => parts.join("."));
const rule = fc.oneof(
  fc.constantFrom<unknown>(
    "bigint",
    "Date",
    "set",
    "map",
    "regexp",
    "number",
    "undefined",
    "URL",
    "Error",
    ...proto,
  ),
  fc.tuple(
    fc.constantFrom("custom", "class", "symbol", "typed-array", ...proto),
    fc.constantFrom("Uint8Array", "Float64Array", "ArrayBuffer", "DataView", "Object", ...proto),
  ),
);
const tree: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: "small" },
    rule.map((each) => [each]),
    fc.tuple(rule, tie("branch")),
    tie("branch"),
    hostileJson,
  ),
  branch: fc.array(fc.tuple(path, tie("any")), { maxLength: 3 }).map(toObject),
})).any;

/** What superjson would be told about a value. */
export const hostileMeta: fc.Arbitrary<unknown> = fc.oneof(
  fc.record({ values: tree, v: fc.constantFrom<unknown>(1, 0, "1", undefined) }, { requiredKeys: [] }),
  fc.record({
    values: tree,
    referentialEqualities: fc.oneof(
      fc.array(fc.tuple(path, fc.array(path, { maxLength: 2 })), { maxLength: 2 }).map(toObject),
      fc.array(fc.array(path, { maxLength: 2 }), { maxLength: 2 }),
    ),
    v: fc.constant(1),
  }),
  hostileJson,
);

/** Samples of each, the same for the same seed. */
export function sample<T>(arbitrary: fc.Arbitrary<T>, count: number, seed: number): T[] {
  return fc.sample(arbitrary, { numRuns: count, seed });
}
