import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJson } from "../../src/model/json.ts";
import { jsonValue } from "./arbitraries.ts";

describe("parseJson", () => {
  it("gives keys with escapes their names, after any other text", () => {
    const keys = ["\\", '"', "\n", "a\\", 'a"', "a\n", "\\\\", '\\"', "\u0000"];
    for (const first of keys) {
      for (const second of keys) {
        parseJson(JSON.stringify({ "": 0, [first]: 1 }));
        expect(Object.keys(parseJson(JSON.stringify({ "": 0, [second]: 1 })) as object)).toEqual([
          "",
          second,
        ]);
      }
    }
  });

  it("reads what JSON.stringify writes", () => {
    fc.assert(
      fc.property(jsonValue, (value) => isDeepStrictEqual(parseJson(JSON.stringify(value)), value)),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['{"\\u0061" : 1, "b\\"": {"\\\\": [{"\\n":"\\n"}]}}', { a: 1, 'b"': { "\\": [{ "\n": "\n" }] } }],
    ['{"\ue0000":1,"\\n":2}', { "\ue0000": 1, "\n": 2 }],
    ['{"\\n":1,"\\u000a":2}', { "\n": 2 }],
    ['"a\\"b"', 'a"b'],
    ['["\\\\",":"]', ["\\", ":"]],
    ['["\\"",{":":1}]', ['"', { ":": 1 }]],
  ])("%s", (text, value) => expect(parseJson(text)).toEqual(value));

  it("keeps an escaped __proto__ as a key like any other", () => {
    const found = parseJson('{"\\u005f_proto__":{"a":1}}') as object;
    expect(Object.keys(found)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(found)).toBe(Object.prototype);
  });

  it.each(['{"\\n":1', '{"\\x":1}', '{"\\":1}', '{"\\n":1}}', '"\\n":1'])("refuses %s", (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });

  it("is quick for 3 MiB of escapes and of text beside an escaped key", () => {
    const long = {
      "\n": ["\\".repeat(700_000), '"'.repeat(700_000), "x".repeat(700_000), "\\x".repeat(200_000)],
    };
    expect(isDeepStrictEqual(parseJson(JSON.stringify(long)), long)).toBe(true);
    expect(parseJson(JSON.stringify(long["\n"]))).toEqual(long["\n"]);
  });
});
