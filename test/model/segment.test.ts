import { describe, expect, it } from "vitest";
import { checkRecord } from "../../src/model/segment.ts";
import { toObject } from "./arbitraries.ts";
import { golden } from "./golden.ts";

const metrics = {
  type: "metrics",
  task: "main",
  keys: ["a"],
  key: [0, 0],
  step: [0, 1],
  time: [5, 1],
  value: [1, "NaN"],
};
const run = { type: "run", time: 1, uid: "0".repeat(32), store: "s" };

describe("a record", () => {
  it.each([
    [
      "columns of other lengths",
      { ...metrics, value: [1] },
      "the columns key, step, time and value must be of one length",
    ],
    ["a key that points outside", { ...metrics, key: [0, 1] }, "point into keys"],
    ["a negative key", { ...metrics, key: [0, -1] }, "point into keys"],
    ["a fractional step", { ...metrics, step: [0, 1.5] }, "record 'metrics': step is wrong"],
    ["times past what Date holds", { ...metrics, time: [8_640_000_000_000_000, 1] }, "stay within Date"],
    ["another text as value", { ...metrics, value: [1, "Inf"] }, "record 'metrics': value is wrong"],
    ["null as value", { ...metrics, value: [1, null] }, "record 'metrics': value is wrong"],
    ["no task", { ...metrics, task: undefined }, "record 'metrics': task is wrong"],
    ["a time past what Date holds", { ...run, time: 8_640_000_000_000_001 }, "record 'run': time is wrong"],
    ["a short uid", { ...run, uid: "abc" }, "record 'run': uid is wrong"],
    ["a label that is no text", { ...run, labels: { a: 1 } }, "record 'run': labels is wrong"],
    ["labels in a list", { ...run, labels: ["a"] }, "record 'run': labels is wrong"],
    ["a position that is no number", { ...run, seen: { a: "1" } }, "record 'run': seen is wrong"],
    ["a negative position", { ...run, seen: { a: -1 } }, "record 'run': seen is wrong"],
    [
      "a destination without URL",
      { ...run, destinations: [{ kind: "mlflow" }] },
      "record 'run': destinations.0.url is wrong",
    ],
    [
      "another status",
      { type: "task", task: "a", attempt: 1, status: "DONE", time: 1 },
      "record 'task': status is wrong",
    ],
    [
      "an end that is none",
      { type: "finish", status: "PROCESSING", time: 1 },
      "record 'finish': status is wrong",
    ],
    [
      "a fractional step of a value",
      { type: "value", task: "a", key: "b", step: 0.5, time: 1 },
      "record 'value': step is wrong",
    ],
  ])("with %s is refused", (_, record, message) => expect(() => checkRecord(record)).toThrow(message));

  it("keeps the fields that this version does not know", () => {
    for (const record of golden[0] ?? []) {
      const later = { ...record, since: { a: [1] } };
      expect(checkRecord(later)).toStrictEqual(later);
    }
  });

  it("keeps parameters and labels of any name", () => {
    const names = ["__proto__", "constructor", "", "a.b"];
    const labels = toObject(names.map((name) => [name, "x"]));
    const parameters = toObject(names.map((name) => [name, { json: 1 }]));
    expect(checkRecord({ ...run, labels, parameters })).toStrictEqual({ ...run, labels, parameters });
  });

  it("of a type that is a name of Object.prototype is unknown, not a crash", () => {
    for (const type of ["constructor", "__proto__", "toString"]) {
      expect(checkRecord({ type })).toEqual({ type: "unknown", record: { type } });
    }
  });
});
