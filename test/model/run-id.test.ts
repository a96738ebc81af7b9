import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import { checkRunId, makeRunId, runIdRule, toHex } from "../../src/model/run-id.ts";

describe("a run id", () => {
  it("that was made is one, in the form of magnus with a random tail", () => {
    const random = fc.uint8Array({ minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true }), random, (now, bytes) => {
        const id = makeRunId(now, bytes);
        expect(id).toMatch(/^[a-z]+-[a-z]+-[0-2]\d[0-5]\d-[0-9a-hjkmnp-tv-z]{8}$/);
        expect(runIdRule(id)).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });

  it("that was made tells the local time and every random byte", () => {
    const now = new Date(2025, 10, 23, 5, 4);
    const ids = new Set<string>();
    for (let at = 0; at < 10; at++) {
      const bytes = new Uint8Array(10);
      bytes[at] = 1;
      ids.add(makeRunId(now, bytes));
    }
    expect(ids.size).toBe(10);
    for (const id of ids) expect(id).toContain("-0504-");
  });

  it.each([
    "a",
    "A.b_c-9",
    "0",
    "a..b",
    "a".repeat(128),
    "console",
    "com10",
    "nul-1",
    "blazing-colden-0544-k3x9q2m7",
  ])("may be %s", (id) => expect(checkRunId(id)).toBe(id));

  const letters =
    "must be 1 to 128 letters, digits, dots, dashes or underscores and begin with a letter or digit";
  const device = "is the name of a Windows device and cannot be a file; choose another";
  it.each<[unknown, string]>([
    ["", letters],
    ["..", letters],
    [".hidden", letters],
    ["-x", letters],
    ["a/b", letters],
    ["a\\b", letters],
    ["a b", letters],
    ["a\n", letters],
    ["é", letters],
    ["😀", letters],
    ["a\u0000", letters],
    ["a".repeat(129), letters],
    ["a.", "must not end with a dot"],
    ["CON", device],
    ["con.txt", device],
    ["Lpt1", device],
    ["com0.a.b", device],
  ])("is refused: %j", (id, rule) => {
    expect(runIdRule(id)).toBe(rule);
    expect(() => checkRunId(id)).toThrow(ValidationError);
    expect(() => checkRunId(id)).toThrow(`'runId' ${rule}; found ${JSON.stringify(id).slice(0, 140)}`);
  });

  it.each([7, undefined, null, 1n, {}, Symbol("s")])("is refused when it is no text", (id) => {
    expect(() => checkRunId(id)).toThrow(`'runId' must be a string, found ${typeof id}`);
  });
});

it("writes random bytes as hex", () => {
  expect(toHex(Uint8Array.of(0, 1, 0xab, 255))).toBe("0001abff");
});
