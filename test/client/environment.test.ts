import { describe, expect, it } from "vitest";
import { readTracked, trackVariables } from "../../src/client/environment.ts";
import { ValidationError } from "../../src/errors.ts";

describe("MAGNUS_TRACK_* variables", () => {
  it.each([
    ["MAGNUS_TRACK_loss", "0.5", { key: "loss", step: 0, value: 0.5 }],
    ["MAGNUS_TRACK_LOSS_STEP_3", "1e3", { key: "loss", step: 3, value: 1000 }],
    ["MAGNUS_TRACK_x_STEP_-1", "true", { key: "x", step: -1, value: true }],
    ["MAGNUS_TRACK_x_STEP_01", "null", { key: "x", step: 1, value: null }],
    ["MAGNUS_TRACK_x", '{"a":1}', { key: "x", step: 0, value: { a: 1 } }],
    ["MAGNUS_TRACK_x", "hello world", { key: "x", step: 0, value: "hello world" }],
    ["MAGNUS_TRACK_x", "01", { key: "x", step: 0, value: "01" }],
    ["MAGNUS_TRACK_x", " 1 ", { key: "x", step: 0, value: 1 }],
    ["MAGNUS_TRACK_x", "NaN", { key: "x", step: 0, value: Number.NaN }],
    ["MAGNUS_TRACK_x", "-Infinity", { key: "x", step: 0, value: Number.NEGATIVE_INFINITY }],
    ["MAGNUS_TRACK_x", "", { key: "x", step: 0, value: "" }],
    ["MAGNUS_TRACK_STEP_1", "7", { key: "step_1", step: 0, value: 7 }],
    ["MAGNUS_TRACK_x_STEP_1_STEP_3", "7", { key: "x", step: 1, value: 7 }],
  ])("%s=%s", (name, text, expected) => {
    expect(readTracked({ [name]: text, PATH: "/bin" })).toEqual([{ name, ...expected }]);
  });

  it("says what is wrong with a bad one, and removes it too", () => {
    const removed: string[] = [];
    const variables = readTracked({ MAGNUS_TRACK_: "1", MAGNUS_TRACK_x_STEP_b: "1", MAGNUS_TRACK_y: "1" });
    const problems = trackVariables(
      variables,
      () => {
        throw new ValidationError("y", "is not in the metric model");
      },
      (name) => removed.push(name),
    );
    expect(problems).toEqual([
      expect.stringContaining("names no key"),
      expect.stringContaining("has the step 'b', which is no integer"),
      "MAGNUS_TRACK_y: 'y' is not in the metric model",
    ]);
    expect(removed).toEqual(["MAGNUS_TRACK_", "MAGNUS_TRACK_x_STEP_b", "MAGNUS_TRACK_y"]);
  });
});
