import { beforeEach, describe, expect, it } from "vitest";
import {
  createRecorder,
  maxDraftBytes,
  maxObservations,
  type Recorder,
  type Slot,
} from "../../src/client/recorder.ts";

let recorder: Recorder;
let slots: Map<string, Slot>;
beforeEach(() => {
  recorder = createRecorder();
  slots = new Map();
});

/** As a task does it: one slot for each key. */
function metric(task: string, key: string, step: number, attempt = 1): void {
  const name = `${task} ${key}`;
  const slot = slots.get(name) ?? { block: undefined, index: 0 };
  slots.set(name, slot);
  recorder.metric(slot, task, attempt, key, step, 1_000 + step, step / 2);
}

const value = (task: string, key: string, step: number, meta?: string, attempt = 1): void =>
  recorder.value(task, attempt, key, step, 1_000 + step, {
    json: '"v"',
    ...(meta !== undefined && { meta }),
  });

/** The records of each draft. */
const taken = (): unknown[][] =>
  recorder.take().map(({ records }) => records().map((text) => JSON.parse(text) as unknown));

describe("what is recorded", () => {
  it("is one block of columns for each task, with times told by their differences", () => {
    metric("a", "loss", 0);
    metric("b", "loss", 0);
    metric("a", "acc", 3);
    metric("a", "loss", 1);
    expect(taken()).toEqual([
      [
        {
          type: "metrics",
          task: "a",
          keys: ["loss", "acc"],
          key: [0, 1, 0],
          step: [0, 3, 1],
          time: [1_000, 3, -2],
          value: [0, 1.5, 0.5],
        },
        { type: "metrics", task: "b", keys: ["loss"], key: [0], step: [0], time: [1_000], value: [0] },
      ],
    ]);
  });

  it("keeps the order of a key whose values are metrics and others in turn", () => {
    metric("a", "x", 0);
    metric("a", "y", 0);
    value("a", "x", 1);
    metric("a", "x", 2);
    metric("a", "y", 2);
    const [records] = taken() as [{ type: string; keys?: string[] }[]];
    expect(records.map(({ type, keys }) => [type, keys])).toEqual([
      ["metrics", ["x", "y"]],
      ["value", undefined],
      ["metrics", ["x", "y"]],
    ]);
  });

  it("goes on in a block beside values of other keys and records of other tasks", () => {
    metric("a", "x", 0);
    metric("b", "x", 0);
    value("a", "z", 1);
    value("c", "x", 1);
    recorder.record({ type: "task" }, "b");
    recorder.record({ type: "label" });
    metric("a", "x", 2);
    metric("b", "x", 2);
    const [records] = taken() as [{ type: string; task?: string; step?: unknown }[]];
    expect(records.map(({ type, task, step }) => [type, task, step])).toEqual([
      ["metrics", "a", [0, 2]],
      ["metrics", "b", [0]],
      ["value", "a", 1],
      ["value", "c", 1],
      ["task", undefined, undefined],
      ["label", undefined, undefined],
      ["metrics", "b", [2]],
    ]);
  });

  it("tells attempts past the first, each in a block of its own", () => {
    metric("a", "x", 0);
    metric("a", "x", 1, 2);
    value("a", "y", 0, undefined, 2);
    value("a", "z", 0, '{"m":1}');
    expect(taken()[0]).toMatchObject([
      { type: "metrics", step: [0] },
      { type: "metrics", step: [1], attempt: 2 },
      { type: "value", key: "y", attempt: 2 },
      { type: "value", key: "z", json: "v", meta: { m: 1 } },
    ]);
    metric("a", "x", 0);
    value("a", "y", 0);
    const [records] = taken() as [object[]];
    expect(records.some((record) => "attempt" in record || "meta" in record)).toBe(false);
  });
});

describe("a draft", () => {
  it("is closed at 16,384 observations, and what comes after is in the next", () => {
    for (let step = 0; step < maxObservations - 1; step++) metric("a", "x", step);
    expect(recorder.full).toBe(false);
    metric("a", "x", maxObservations - 1);
    expect(recorder.full).toBe(true);
    metric("a", "x", maxObservations);
    expect(recorder.count).toBe(maxObservations + 1);
    const drafts = recorder.take();
    expect(drafts.map(({ observations, upTo }) => [observations, upTo])).toEqual([
      [maxObservations, maxObservations],
      [1, maxObservations + 1],
    ]);
    const steps = drafts.flatMap(
      ({ records }) => (JSON.parse(records()[0] ?? "") as { step: number[] }).step,
    );
    expect(steps).toEqual(Array.from({ length: maxObservations + 1 }, (_, step) => step));
    expect(recorder).toMatchObject({ full: false, empty: true, bytes: 0 });
  });

  it("is closed past a MiB, by an estimate that is no less than what it takes", () => {
    const text = "x".repeat(1_000);
    while (!recorder.full) recorder.record({ text });
    const [draft, ...others] = recorder.take();
    expect(others).toEqual([]);
    expect(draft?.bytes).toBeGreaterThanOrEqual(maxDraftBytes);
    expect(draft?.bytes).toBeLessThan(maxDraftBytes + 1_100);
    expect(draft?.observations).toBe(0);
    expect(draft?.records().join("").length).toBe(draft?.bytes);
  });

  it("counts bytes and records that wait, closed and open ones", () => {
    expect(recorder).toMatchObject({ empty: true, bytes: 0, count: 0 });
    expect(recorder.take()).toEqual([]);
    recorder.record({ a: 1 });
    expect(recorder).toMatchObject({ empty: false, bytes: 7, count: 1 });
    for (let step = 0; step < maxObservations; step++) metric("a", "x", step);
    expect(recorder.full).toBe(true);
    expect(recorder.bytes).toBe(7 + 32 * maxObservations);
    recorder.record({ a: 1 });
    expect(recorder.bytes).toBe(14 + 32 * maxObservations);
    expect(recorder.take().map(({ upTo }) => upTo)).toEqual([maxObservations + 1, maxObservations + 2]);
    expect(recorder).toMatchObject({ empty: true, bytes: 0, count: maxObservations + 2 });
  });
});
