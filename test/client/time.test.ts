import { defineMetrics, memoryStore, metric, openStore, type Run, startRun } from "runlog";
import { describe, expect, it, onTestFinished, vi } from "vitest";

/** A clock that stands still between `pass`es. */
function clock(): { pass(millis: number): void } {
  let now = 1_000;
  const spy = vi.spyOn(performance, "now").mockImplementation(() => now);
  onTestFinished(() => spy.mockRestore());
  return {
    pass: (millis) => {
      now += millis;
    },
  };
}

function begin(): { run: Run<undefined>; rows: (key: string) => Promise<[step: number, value: unknown][]> } {
  const store = memoryStore();
  const run = startRun({ store, syncTo: [], quiet: true });
  return {
    run,
    async rows(key) {
      await run.flush();
      return (await openStore(store).rows(run.id, { key })).map(({ step, value }) => [step, value]);
    },
  };
}

describe("run.time", () => {
  it("tracks milliseconds by name, call after call, and gives what the function gives", async () => {
    const { run, rows } = begin();
    const { pass } = clock();
    const took = (millis: number) => () => {
      pass(millis);
      return millis;
    };
    expect([1.5, 20].map((millis) => run.time("a", took(millis)))).toEqual([1.5, 20]);
    run.time("b", took(3));
    run.time("a", took(4), { step: 100 });
    expect(await rows("a_ms")).toEqual([
      [0, 1.5],
      [1, 20],
      [100, 4],
    ]);
    expect(await rows("b_ms")).toEqual([[0, 3]]);
  });

  it("waits for a promise; calls at the same time have a step each, in the order of their start", async () => {
    const { run, rows } = begin();
    const { pass } = clock();
    const first = Promise.withResolvers<string>();
    const second = Promise.withResolvers<string>();
    const results = [first, second].map(({ promise }) => run.time("infer", () => promise));
    expect(await rows("infer_ms")).toEqual([]);
    pass(10);
    second.resolve("two");
    expect(await results[1]).toBe("two");
    pass(5);
    first.resolve("one");
    expect(await results[0]).toBe("one");
    expect((await rows("infer_ms")).sort()).toEqual([
      [0, 15],
      [1, 10],
    ]);
  });

  it("tracks also what throws and what rejects, and hands the error on", async () => {
    const { run, rows } = begin();
    const { pass } = clock();
    const error = new RangeError("no");
    const fails = (): never => {
      pass(7);
      throw error;
    };
    expect(() => run.time("a", fails)).toThrow(error);
    await expect(run.time("a", async () => fails())).rejects.toBe(error);
    expect(await rows("a_ms")).toEqual([
      [0, 7],
      [1, 7],
    ]);
  });

  it("refuses a bad name before the call, a key outside the model after it, and never hides the function's error", async () => {
    const { run } = begin();
    let calls = 0;
    const called = (): number => ++calls;
    expect(() => run.time("a".repeat(200), called)).toThrow(/at most 200 characters/);
    expect(calls).toBe(0);
    const metrics = defineMetrics({ loss: metric() });
    const modelled = startRun({ store: memoryStore(), syncTo: [], metrics, quiet: true });
    expect(() => modelled.time("a", called)).toThrow(/'a_ms'/);
    await expect(modelled.time("a", async () => called())).rejects.toThrow(/'a_ms'/);
    expect(calls).toBe(2);
    const fails = (): never => {
      throw new Error("mine");
    };
    expect(() => modelled.time("a", fails)).toThrow("mine");
    await expect(modelled.time("a", async () => fails())).rejects.toThrow("mine");
    await modelled.finish();
  });
});
