import { memoryStore, openStore, startRun } from "runlog";
import { afterEach, describe, expect, it } from "vitest";
import {
  readParameters,
  readTracked,
  trackVariables,
  watchParameters,
} from "../../src/client/environment.ts";
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

describe("MAGNUS_PRM_* variables", () => {
  const set = (name: string, text: string): void => {
    process.env[name] = text;
  };
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (name.startsWith("MAGNUS_PRM_")) delete process.env[name];
  });

  it("are parameters with their names in lower case", () => {
    const variables = { MAGNUS_PRM_LR: "0.1", MAGNUS_PRM_name: "a b", MAGNUS_PRM_: "1", PATH: "/bin" };
    expect(readParameters(variables)).toEqual({ lr: 0.1, name: "a b" });
  });

  it("are told once for each change", () => {
    const variables: Record<string, string> = { MAGNUS_PRM_a: "1" };
    const fresh = watchParameters(variables);
    expect(fresh()).toEqual([]);
    Object.assign(variables, { MAGNUS_PRM_a: "2", MAGNUS_PRM_b: "{}" });
    expect(fresh()).toEqual([
      ["a", 2],
      ["b", {}],
    ]);
    expect(fresh()).toEqual([]);
  });

  it("begin a run, the caller's words before them; what a task sets is there after it", async () => {
    set("MAGNUS_PRM_LR", "0.1");
    set("MAGNUS_PRM_seed", "7");
    const store = memoryStore();
    const run = startRun({ store, syncTo: [], quiet: true, parameters: { seed: 8 } });
    await run.task("choose", () => {
      set("MAGNUS_PRM_lr", "0.5");
      set("MAGNUS_PRM_best", "adam");
    });
    await run.task("train", () => 1);
    await run.finish();
    const { parameters, steps, run_config } = await openStore(store).runLog(run.id);
    expect(parameters).toEqual({ lr: 0.1, seed: 8, best: "adam" });
    expect(steps["choose"]?.attempts[0]?.parameters).toEqual({ lr: 0.1, seed: 8, best: "adam" });
    expect(steps["train"]?.attempts[0]?.parameters).toEqual({ lr: 0.5, seed: 8, best: "adam" });
    expect(run_config.runlog["parameter_changes"]).toMatchObject([{ name: "lr", value: 0.5 }]);
    expect(process.env["MAGNUS_PRM_lr"]).toBe("0.5");
  });
});
