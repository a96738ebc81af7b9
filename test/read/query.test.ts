import { describe, expect, test } from "vitest";
import { foldSegments } from "../../src/read/fold.ts";
import { matches, selectRuns } from "../../src/read/query.ts";
import { type RunSummary, summarize } from "../../src/read/summary.ts";
import { finish, metrics, observe, run, segment, t0 } from "./segments.ts";

function summary(records: object[], fields: object = {}): RunSummary {
  const state = foldSegments([segment(1, 0, [run(fields), ...records])]);
  if (state === undefined) throw new Error("no run");
  return summarize(state);
}

const model = {
  type: "object",
  properties: { loss: { "x-goal": "min" }, accuracy: { "x-goal": "max" }, speed: {} },
};

describe("a summary", () => {
  test("tells last, least, greatest and best of each metric; only finite numbers are least, greatest, best", () => {
    const { metrics: found } = summary(
      [
        metrics("loss", [3, 1, Number.NaN, Number.NEGATIVE_INFINITY, 2]),
        metrics("accuracy", [0.5, 0.9, 0.8], 10, "evaluate"),
        metrics("speed", [1, Number.POSITIVE_INFINITY]),
        metrics("hopeless", [Number.NaN]),
        observe({ key: "note", value: "x" }),
      ],
      { model },
    );
    expect(found).toEqual({
      loss: { last: 2, lastStep: 4, min: 1, max: 3, best: 1, bestStep: 1, count: 5 },
      "evaluate/accuracy": { last: 0.8, lastStep: 12, min: 0.5, max: 0.9, best: 0.9, bestStep: 11, count: 3 },
      speed: { last: Number.POSITIVE_INFINITY, lastStep: 1, min: 1, max: 1, count: 2 },
      hopeless: { last: Number.NaN, lastStep: 0, min: Number.NaN, max: Number.NaN, count: 1 },
    });
  });

  test("counts numbers alone where a key has both", () => {
    const mixed = [observe({ key: "a", value: 1 }), observe({ key: "a", step: 1, value: "x" })];
    const found = summary(mixed);
    expect(found.metrics.a).toMatchObject({ last: 1, lastStep: 0, count: 1 });
    expect(found.observations).toBe(2);
  });
});

const made = (name: string, started: number, fields: object, records: object[] = []): RunSummary => ({
  ...summary(records, fields),
  run: name,
  started,
});
const params = (values: Record<string, unknown>): object => ({
  parameters: Object.fromEntries(Object.entries(values).map(([name, json]) => [name, { json }])),
});
const one = made(
  "one",
  t0,
  { tag: "a", ...params({ lr: 0.1, "opt.name/x": "adam", nested: { b: [1, 2] } }), model },
  [metrics("accuracy", [0.5, 0.7]), finish()],
);
const two = made("two", t0 + 1, { tag: "a", ...params({ lr: 0.01 }), labels: { team: "red" }, model }, [
  metrics("accuracy", [0.9, 0.1]),
]);
const three = made("three", t0 + 2, { tag: "b", ...params({ lr: "big" }) });
const names = (query: Parameters<typeof selectRuns>[1]): string[] =>
  selectRuns([one, two, three], query).map(({ run: name }) => name);

describe("a query", () => {
  test.each<[string, Parameters<typeof selectRuns>[1], string[]]>([
    ["nothing: newest first", undefined, ["three", "two", "one"]],
    ["tag", { tag: "a" }, ["two", "one"]],
    ["status", { status: "SUCCESS" }, ["one"]],
    ["equality", { where: { "parameters.lr": 0.01 } }, ["two"]],
    ["gte", { where: { "parameters.lr": { gte: 0.01 } } }, ["two", "one"]],
    ["gt", { where: { "parameters.lr": { gt: 0.01 } } }, ["one"]],
    ["lt and gt together", { where: { "parameters.lr": { lt: 0.1, gt: 0 } } }, ["two"]],
    ["lte", { where: { "parameters.lr": { lte: 0.01 } } }, ["two"]],
    ["ne holds where it is missing", { where: { "labels.team": { ne: "red" } } }, ["three", "one"]],
    ["in", { where: { "parameters.lr": { in: ["big", 0.1] } } }, ["three", "one"]],
    ["texts in order", { where: { tag: { gt: "a" } } }, ["three"]],
    ["a name with a dot and a slash", { where: { "parameters.opt.name/x": "adam" } }, ["one"]],
    ["an object as value", { where: { "parameters.nested": { eq: { b: [1, 2] } } } }, ["one"]],
    ["a list that differs", { where: { "parameters.nested": { eq: { b: [1, 3] } } } }, []],
    ["best", { where: { "best.accuracy": { gte: 0.8 } } }, ["two"]],
    ["last", { where: { "last.accuracy": { gte: 0.5 } } }, ["one"]],
    ["min and max", { where: { "min.accuracy": 0.1, "max.accuracy": 0.9 } }, ["two"]],
    [
      "a name of the prototype is missing",
      { where: { "parameters.toString": undefined, "last.constructor": undefined } },
      ["three", "two", "one"],
    ],
    ["sorted by best, missing last", { sort: "-best.accuracy" }, ["two", "one", "three"]],
    ["sorted upwards, missing last", { sort: "best.accuracy" }, ["one", "two", "three"]],
    ["sorted by mixed kinds", { sort: "parameters.lr" }, ["two", "one", "three"]],
    ["limit", { sort: "started", limit: 2 }, ["one", "two"]],
    ["limit 0", { limit: 0 }, []],
  ])("%s", (_, query, expected) => {
    expect(names(query)).toEqual(expected);
  });

  test.each<[string, Parameters<typeof selectRuns>[1], string]>([
    [
      "an unknown path",
      { where: { lr: 1 } },
      "'where' names 'lr', which no run has; known are run, uid, tag",
    ],
    ["a section without a name", { where: { parameters: 1 } }, "names 'parameters'"],
    ["a section with an empty name", { where: { "labels.": 1 } }, "names 'labels.'"],
    [
      "an unknown operator",
      { where: { "parameters.lr": { above: 1 } } },
      "operators (eq, ne, gt, gte, lt, lte, in), found 'above'",
    ],
    ["no operator", { where: { "parameters.lr": {} } }, "found none"],
    ["in without a list", { where: { tag: { in: "a" } } }, "a list for the operator 'in'"],
    ["an unknown sort", { sort: "-accuracy" }, "'sort' names 'accuracy'"],
    ["a wrong limit", { limit: 1.5 }, "'limit' must be an integer from 0, found 1.5"],
  ])("refuses %s, even when there are no runs", (_, query, message) => {
    expect(() => selectRuns([], query)).toThrow(message);
  });

  test("matches says whether one run meets it", () => {
    expect(matches(one, { tag: "a", where: { status: "SUCCESS" } })).toBe(true);
    expect(matches(two, { where: { status: "SUCCESS" } })).toBe(false);
    expect(() => matches(one, { where: { nope: 1 } })).toThrow("names 'nope'");
  });
});
