import { describe, expect, it } from "vitest";
import type { Body } from "../browser/collect.ts";
import { type Outcome, runSuite } from "../browser/run-suites.ts";
import * as shim from "../browser/shim.ts";
import { closingLine, sum } from "./count.ts";

/** Runs declarations as a browser bundle would, here in Node. */
async function outcomeOf(declare: () => unknown): Promise<{ outcome: Outcome; started: string[] }> {
  const outcome: Outcome = { passed: 0, skipped: 0, failed: [] };
  const started: string[] = [];
  await runSuite(await shim.collector.open("file", false, declare), outcome, (name) => started.push(name));
  return { outcome, started };
}

describe("the stand-in for vitest in browser bundles", () => {
  it("counts passed, failed and skipped, and names what failed", async () => {
    const { outcome, started } = await outcomeOf(() => {
      shim.describe("suite", () => {
        shim.it("passes", () => shim.expect({ a: [1, new Date(0)] }).toEqual({ a: [1, new Date(0)] }));
        shim.it("fails", () => shim.expect({ a: 1 }).toEqual({ a: 2 }));
        shim.it("rejects", async () => {
          await shim.expect(Promise.resolve(1)).rejects.toThrow("x");
        });
        shim.it.skip("is skipped", () => shim.expect(1).toBe(2));
        shim.it("skips itself", ({ skip }) => skip("not here"));
      });
      shim.describe.skipIf(true)("absent", () => shim.it("is skipped as well", () => shim.expect(1).toBe(2)));
    });
    expect(outcome).toMatchObject({ passed: 1, skipped: 3 });
    expect(outcome.failed.map(({ name }) => name)).toEqual([
      "file > suite > fails",
      "file > suite > rejects",
    ]);
    expect(outcome.failed[0]?.message).toContain("to deeply equal");
    expect(started).toHaveLength(4);
  });

  it("runs hooks around tests in vitest's order, also after a failure", async () => {
    const seen: string[] = [];
    const note =
      (text: string): Body =>
      () =>
        void seen.push(text);
    await outcomeOf(() => {
      shim.beforeAll(note("all"));
      shim.afterAll(note("/all"));
      shim.beforeEach(() => () => seen.push("cleanup"));
      shim.afterEach(note("/each"));
      shim.describe("inner", () => {
        shim.beforeEach(note("inner"));
        shim.afterEach(note("/inner"));
        shim.it("fails", ({ onTestFinished }) => {
          onTestFinished(() => seen.push("finished"));
          throw new Error("no");
        });
      });
    });
    expect(seen).toEqual(["all", "inner", "/inner", "/each", "finished", "cleanup", "/all"]);
  });

  it("counts a failing beforeAll once and leaves its tests out", async () => {
    const { outcome, started } = await outcomeOf(() => {
      shim.beforeAll(() => Promise.reject(new Error("no server")));
      shim.it("never runs", () => shim.expect(1).toBe(1));
    });
    expect(started).toEqual([]);
    expect(outcome.passed).toBe(0);
    expect(outcome.failed).toEqual([
      { name: "file > beforeAll", message: expect.stringContaining("no server") },
    ]);
  });

  it("ends a test at its limit", async () => {
    const { outcome } = await outcomeOf(() => shim.it("hangs", () => new Promise(() => undefined), 20));
    expect(outcome.failed).toEqual([
      { name: "file > hangs", message: expect.stringContaining("within 20 ms") },
    ]);
  });

  it("fills the titles of tables and hands over their rows", async () => {
    const rows: unknown[] = [];
    const { started } = await outcomeOf(() => {
      shim.it.each([[1, "a"]])("%s is %s", (...values) => void rows.push(values.slice(0, 2)));
      shim.describe.for([{ name: "x" }])("in $name", (row) => shim.it("runs", () => void rows.push(row)));
    });
    expect(started).toEqual(["file > 1 is a", "file > in x > runs"]);
    expect(rows).toEqual([[1, "a"], { name: "x" }]);
  });

  it("polls until an assertion holds, or passes its error on", async () => {
    let count = 0;
    await shim.expect.poll(() => ++count, { interval: 1 }).toBe(3);
    await shim.expect.poll(() => ++count, { interval: 1 }).not.toBe(4);
    const never = shim.expect.poll(() => 1, { timeout: 20, interval: 1 }).toBe(2);
    expect(await never.catch(({ message }: Error) => message)).toContain("expected 1 to be 2");
  });
});

it("sums parts into the closing line", () => {
  const part = { name: "a", passed: 2, failed: 1, skipped: 0 };
  expect(closingLine(sum([part, part]))).toBe("4 passed, 2 failed");
  expect(closingLine({ ...part, skipped: 3 })).toBe("2 passed, 1 failed, 3 skipped");
});
