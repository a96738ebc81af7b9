import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import {
  checkKey,
  checkStep,
  checkTask,
  type KeyClock,
  nameRule,
  nextTime,
} from "../../src/model/observation.ts";

const throwsWhenWritten = {
  toString() {
    throw new Error("secret");
  },
};

describe("nextTime", () => {
  it("never goes back and gives no two observations of a key one step and time", () => {
    const now = fc.oneof(fc.constant(1763888000000), fc.integer({ min: 1763888000000, max: 1763888000010 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: -3, max: 3 }), now), { maxLength: 60 }), (calls) => {
        let clock: KeyClock | undefined;
        const seen = new Set<string>();
        for (const [step, at] of calls) {
          const time = nextTime(clock, step, at);
          expect(time).toBeGreaterThanOrEqual(Math.max(at, clock?.time ?? 0));
          expect(seen.has(`${step} ${time}`)).toBe(false);
          seen.add(`${step} ${time}`);
          clock = { step, time };
        }
      }),
      { numRuns: 500 },
    );
  });

  it("is the clock while steps grow, and moves it only where it must", () => {
    expect(nextTime(undefined, 0, 100)).toBe(100);
    expect(nextTime({ step: 1, time: 100 }, 2, 100)).toBe(100);
    expect(nextTime({ step: 2, time: 100 }, 2, 100)).toBe(101);
    expect(nextTime({ step: 2, time: 100 }, 1, 200)).toBe(200);
    expect(nextTime({ step: 2, time: 100 }, 3, 50)).toBe(100);
  });
});

describe("a key or task", () => {
  it.each([
    "a",
    "__proto__",
    "constructor",
    "a/b",
    "MAP@50",
    "loss[d=1]",
    "😀",
    " ",
    "\u2028",
    "a".repeat(200),
    ".",
  ])("may be %s", (name) => {
    expect(nameRule(name)).toBeUndefined();
    checkKey(name);
    checkTask(name);
  });

  it.each<[unknown, string]>([
    ["", "must not be empty"],
    ["a".repeat(201), "must have at most 200 characters, found 201"],
    ["a".repeat(300), "must have at most 200 characters, found 300"],
    ["a\nb", "must not hold control characters"],
    ["\u0000", "must not hold control characters"],
    ["\u007f", "must not hold control characters"],
    ["\u0085", "must not hold control characters"],
    ["a\ud83d", "must not hold half of a surrogate pair"],
    ["\ude00a", "must not hold half of a surrogate pair"],
    [7, "must be a string, found number"],
    [undefined, "must be a string, found undefined"],
    [throwsWhenWritten, "must be a string, found object"],
  ])("is refused, case %#", (name, rule) => {
    expect(nameRule(name)).toBe(rule);
    for (const [check, word] of [
      [checkKey, "key"],
      [checkTask, "task"],
    ] as const) {
      expect(() => check(name)).toThrow(ValidationError);
      expect(() => check(name)).toThrow(`${rule} (a ${word})`);
    }
  });
});

describe("a step", () => {
  it.each([0, -0, -5, 2 ** 53 - 1, -(2 ** 53 - 1)])("may be %s", (step) => checkStep(step));

  it.each<[unknown, string]>([
    [1.5, "1.5"],
    [NaN, "NaN"],
    [Infinity, "Infinity"],
    [2 ** 53, "9007199254740992"],
    ["3", '"3"'],
    [1n, "1"],
    [null, "null"],
    [undefined, "undefined"],
    [Symbol("s"), "Symbol(s)"],
    [throwsWhenWritten, "object"],
    [Object.create(null), "object"],
    [() => 1, "function"],
  ])("is refused, case %#", (step, found) => {
    expect(() => checkStep(step)).toThrow(
      new ValidationError("step", `must be an integer between -(2^53-1) and 2^53-1, found ${found}`),
    );
  });
});
