import { describe, expect, test } from "vitest";
import { foldSegments } from "../../src/read/fold.ts";
import { rowsOf, seriesOf } from "../../src/read/series.ts";
import type { RunState } from "../../src/read/state.ts";
import { metrics, observe, run, runId, segment, t0 } from "./segments.ts";

function stateOf(...records: object[]): RunState {
  const state = foldSegments([segment(1, 0, [run(), ...records])]);
  if (state === undefined) throw new Error("no run");
  return state;
}

describe("a series", () => {
  test("is typed arrays for metrics, with every odd number", () => {
    const values = [0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0];
    expect(seriesOf(stateOf(metrics("loss", values)), "loss")).toEqual({
      step: Float64Array.of(0, 1, 2, 3, 4),
      time: Float64Array.of(t0, t0 + 1, t0 + 2, t0 + 3, t0 + 4),
      value: Float64Array.from(values),
    });
  });

  test("is the decoded values when one is no number", () => {
    const date = new Date(0);
    const state = stateOf(observe({ key: "a", value: 1 }), observe({ key: "a", step: 1, value: { date } }));
    expect(seriesOf(state, "a").value).toEqual([1, { date }]);
  });

  test("comes from main unless only one other task has the key", () => {
    const state = stateOf(
      metrics("loss", [1]),
      metrics("loss", [2], 0, "x"),
      metrics("f1", [3], 0, "x"),
      metrics("auc", [4], 0, "x"),
      metrics("auc", [5], 0, "y"),
    );
    expect(seriesOf(state, "loss").value).toEqual(Float64Array.of(1));
    expect(seriesOf(state, "loss", "x").value).toEqual(Float64Array.of(2));
    expect(seriesOf(state, "f1").value).toEqual(Float64Array.of(3));
    expect(() => seriesOf(state, "auc")).toThrow(/'task' must be given for the key 'auc'.*'x', 'y'/);
    expect(() => seriesOf(state, "los")).toThrow(
      `run '${runId}' has no 'los' in task 'main'; it has loss, x/loss, x/f1`,
    );
    expect(() => seriesOf(state, "loss", "z")).toThrow("has no 'loss' in task 'z'; it has nothing yet");
  });

  test("survives a meta that is broken: the value is its JSON", () => {
    const broken = {
      type: "value",
      task: "main",
      key: "a",
      step: 0,
      time: t0,
      json: "x",
      meta: { values: ["nonsense", [7]] },
    };
    expect(seriesOf(stateOf(broken), "a").value).toEqual(["x"]);
  });
});

test("rows are tidy, and narrow by task and key", () => {
  const state = stateOf(
    metrics("loss", [1, 2]),
    metrics("loss", [3], 5, "x"),
    observe({ key: "note", value: "hi" }),
  );
  expect(rowsOf(state)).toHaveLength(4);
  expect(rowsOf(state, { task: "x" })).toEqual([
    { run: runId, task: "x", key: "loss", step: 5, time: t0, value: 3 },
  ]);
  expect(rowsOf(state, { task: "main", key: "note" }).map((row) => row.value)).toEqual(["hi"]);
});
