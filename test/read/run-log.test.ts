import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldSegments } from "../../src/read/fold.ts";
import { type RunLog, runLog, runLogChunks, runLogJson } from "../../src/read/run-log.ts";
import { durationText, timeText } from "../../src/read/run-log-text.ts";
import type { RunState } from "../../src/read/state.ts";
import { finish, metrics, observe, run, runId, type Seen, segment, t0, task } from "./segments.ts";

function stateOf(records: readonly object[]): RunState {
  const state = foldSegments([segment(1, 0, [run(), ...records])]);
  if (state === undefined) throw new Error("no run");
  return state;
}

function tracked(...seen: Seen[]): unknown {
  return metricsOf(runLog(stateOf(seen.map(observe))));
}

function metricsOf(log: RunLog): Readonly<Record<string, object>> {
  return (log.steps.main?.user_defined_metrics ?? {}) as Record<string, object>;
}

/** The text of main's metrics without spaces, in which the order of steps and the sign of zero show. */
function trackedText(...seen: Seen[]): string | undefined {
  const text = runLogJson(stateOf(seen.map(observe))).replace(/\s/g, "");
  return /"user_defined_metrics":(.*?),"branches"/.exec(text)?.[1];
}

describe("the examples of magnus's page on experiment tracking", () => {
  test("values", () => {
    const found = tracked(
      { key: "spam", value: "hello" },
      { key: "eggs", value: { ham: "world" } },
      { key: "answer", value: 42.0 },
    );
    expect(found).toEqual({ eggs: { ham: "world" }, answer: 42.0, spam: "hello" });
  });

  test("steps", () => {
    const found = tracked(
      { key: "spam", value: "hello" },
      { key: "eggs", value: { ham: "world" } },
      { key: "spam", step: 1, value: "hey" },
      { key: "eggs", step: 1, value: { ham: "universe" } },
      { key: "answer", value: 42.0 },
      { key: "is_it_true", value: false },
    );
    expect(found).toEqual({
      spam: { "0": "hello", "1": "hey" },
      eggs: { "0": { ham: "world" }, "1": { ham: "universe" } },
      answer: 42.0,
      is_it_true: false,
    });
  });
});

const anySeen: fc.Arbitrary<Seen> = fc.record({
  key: fc.string({ minLength: 1 }),
  step: fc.integer(),
  value: fc.oneof(fc.jsonValue(), fc.double()),
});

describe("user_defined_metrics", () => {
  test.each<[string, Seen[], string]>([
    ["only step 0 is plain", [{ key: "a", value: 1 }], '{"a":1}'],
    ["the last of several at step 0", [1, 2].map((value) => ({ key: "a", value })), '{"a":2}'],
    ["only step 5, where magnus crashes", [{ key: "a", step: 5, value: 1 }], '{"a":{"5":1}}'],
    ["only step -1", [{ key: "a", step: -1, value: 1 }], '{"a":{"-1":1}}'],
    [
      "steps in the order of tracking, the last value of each",
      [3, 1, 0, 3].map((step, index) => ({ key: "a", step, value: index })),
      '{"a":{"3":3,"1":1,"0":2}}',
    ],
    ["-0 keeps its sign", [{ key: "a", value: -0 }], '{"a":-0.0}'],
    [
      "NaN and the infinities are strings",
      [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((value, step) => ({
        key: "a",
        step,
        value,
      })),
      '{"a":{"0":"NaN","1":"Infinity","2":"-Infinity"}}',
    ],
    [
      "a rich value is its JSON half",
      [{ key: "a", value: { at: new Date(0) } }],
      '{"a":{"at":"1970-01-01T00:00:00.000Z"}}',
    ],
    [
      "true, false and null",
      [true, false, null].map((value, step) => ({ key: "a", step, value })),
      '{"a":{"0":true,"1":false,"2":null}}',
    ],
    [
      "numbers and others of one key",
      [1.5, "x"].map((value, step) => ({ key: "a", step, value })),
      '{"a":{"0":1.5,"1":"x"}}',
    ],
    ["ASCII alone", [{ key: "é", value: "😀" }], '{"\\u00e9":"\\ud83d\\ude00"}'],
    [
      "the keys that objects treat apart",
      [
        { key: "__proto__", value: 1 },
        { key: "2", value: 2 },
        { key: "1", value: 3 },
      ],
      '{"__proto__":1,"2":2,"1":3}',
    ],
  ])("%s", (_, seen, expected) => {
    expect(trackedText(...seen)).toBe(expected);
  });

  test("text and object say the same", () =>
    fc.assert(
      fc.property(fc.array(anySeen), (list) => {
        const state = stateOf(list.map(observe));
        expect(JSON.parse(runLogJson(state))).toEqual(runLog(state));
        expect([...runLogChunks(state)].join("")).toBe(runLogJson(state));
      }),
    ));
});

describe("long series", () => {
  const count = 100_001;
  const values = Array.from({ length: count }, (_, index) => Math.sin(index / 50));
  values[77_777] = 1e9;
  values[33_333] = -1e9;
  values[50_000] = Number.NaN;
  const state = stateOf([metrics("loss", values), metrics("short", values.slice(0, 100_000))]);

  test("past 100,000 steps are a sample of at most 10,000 that keeps the extremes and both ends, and says so", () => {
    const log = runLog(state);
    const { loss, short } = metricsOf(log);
    const steps = Object.keys(loss ?? {});
    expect(steps.length).toBeGreaterThan(9_000);
    expect(steps.length).toBeLessThanOrEqual(10_000);
    expect(loss).toMatchObject({ 0: 0, 77777: 1e9, 33333: -1e9, [count - 1]: values[count - 1] });
    expect(Object.keys(short ?? {})).toHaveLength(100_000);
    expect(log.run_config.runlog.sampled).toEqual([
      { task: "main", key: "loss", steps: count, kept: steps.length },
    ]);
  });

  test("are whole when asked for", () => {
    const log = runLog(state, { full: true });
    expect(Object.keys(metricsOf(log).loss ?? {})).toHaveLength(count);
    expect(log.run_config.runlog).not.toHaveProperty("sampled");
  });
});

describe("times as Python writes them", () => {
  test.each<[number | undefined, string]>([
    [0, "1970-01-01 00:00:00.000000"],
    [Date.UTC(2024, 0, 9, 5, 44, 42, 841), "2024-01-09 05:44:42.841000"],
    [undefined, ""],
    [Number.MAX_SAFE_INTEGER, ""],
  ])("time %s", (time, text) => {
    expect(timeText(time)).toBe(text);
  });

  test.each<[number, string]>([
    [0, "0:00:00"],
    [1, "0:00:00.001000"],
    [3_723_000, "1:02:03"],
    [86_400_000, "1 day, 0:00:00"],
    [180_000_500, "2 days, 2:00:00.500000"],
    [-1, "-1 day, 23:59:59.999000"],
    [-90_000_000, "-2 days, 23:00:00"],
  ])("duration of %i ms", (millis, text) => {
    expect(durationText(t0, t0 + millis)).toBe(text);
  });

  test("unknown ends make no duration", () => {
    expect(durationText(t0, undefined)).toBe("");
  });
});

describe("the whole log", () => {
  const code = [
    { code_identifier: "793b052", code_identifier_type: "git", code_identifier_dependable: true },
  ];
  const begin = { tag: "digits", code, parameters: { lr: { json: 0.1 }, since: { json: "1970", meta: {} } } };
  const records = [
    run({
      ...begin,
      labels: { team: "red" },
      owner: "ann",
      destinations: [{ kind: "mlflow", url: "http://a" }],
    }),
    metrics("loss", [0.5, -0]),
    task("evaluate", "PROCESSING", { time: t0 + 100 }),
    { type: "parameter", name: "lr", json: 0.2, time: t0 + 150 },
    task("evaluate", "FAIL", { time: t0 + 200, message: "no luck" }),
    task("evaluate", "PROCESSING", { attempt: 2, time: t0 + 300 }),
    observe({ key: "note", value: "good", task: "evaluate", attempt: 2 }),
    { type: "artifact", name: "model.bin", task: "evaluate", time: t0, stage: "put", sha256: "ab", size: 2 },
    { type: "artifact", name: "data.csv", task: "evaluate", time: t0, stage: "get", sha256: "cd", size: 2 },
    task("evaluate", "SUCCESS", { attempt: 2, time: t0 + 90_061_000 }),
    { type: "lost", reason: "full", count: 7 },
    finish("SUCCESS", { time: t0 + 90_062_000 }),
  ];

  test("is the golden file", () => {
    const state = foldSegments([segment(1, 0, records)]);
    if (state === undefined) throw new Error("no run");
    expect(`${runLogJson(state)}\n`).toBe(
      readFileSync(new URL("./fixtures/run-log.json", import.meta.url), "utf8"),
    );
  });

  test("has no closing step while the run goes on, and one of another name beside a task 'fail'", () => {
    expect(Object.keys(runLog(stateOf([])).steps)).toEqual(["main"]);
    const failed = runLog(stateOf([task("fail", "FAIL"), finish("FAIL", { message: "oops" })]));
    expect(Object.keys(failed.steps)).toEqual(["fail", "fail_"]);
    expect(failed).toMatchObject({
      run_id: runId,
      status: "FAIL",
      run_config: { runlog: { message: "oops" } },
    });
    expect(failed.steps.fail_).toMatchObject({ name: "fail_", step_type: "fail", status: "SUCCESS" });
  });
});
