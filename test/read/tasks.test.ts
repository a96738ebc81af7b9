import { describe, expect, test } from "vitest";
import type { Segment } from "../../src/model/segment-line.ts";
import { foldSegments } from "../../src/read/fold.ts";
import { runLog } from "../../src/read/run-log.ts";
import type { TaskState } from "../../src/read/state.ts";
import { finish, metrics, observe, run, segment, t0, task, writerName } from "./segments.ts";

function evaluate(...segments: Segment[]): TaskState | undefined {
  return foldSegments(segments)?.tasks.get("evaluate");
}

const loss = (value: number, attempt: number): object =>
  observe({ key: "loss", value, task: "evaluate", attempt });

describe("attempts", () => {
  test("retries are attempts of their own, each with its message", () => {
    const found = evaluate(
      segment(1, 0, [
        run(),
        task("evaluate", "PROCESSING", { time: t0 }),
        task("evaluate", "FAIL", { time: t0 + 10, message: "no luck" }),
        task("evaluate", "PROCESSING", { attempt: 2, time: t0 + 20 }),
        task("evaluate", "SUCCESS", { attempt: 2, time: t0 + 50 }),
      ]),
    );
    expect(found?.attempts).toEqual([
      { number: 1, status: "FAIL", start: t0, end: t0 + 10, message: "no luck" },
      { number: 2, status: "SUCCESS", start: t0 + 20, end: t0 + 50, message: "" },
    ]);
    expect(found).toMatchObject({ status: "SUCCESS", shown: 2 });
  });

  test("one attempt of two writers: earliest start, latest end, FAIL if its last end is FAIL", () => {
    const one = [
      run(),
      task("evaluate", "PROCESSING", { time: t0 + 5 }),
      task("evaluate", "SUCCESS", { time: t0 + 99 }),
    ];
    const two = [
      run(),
      task("evaluate", "PROCESSING", { time: t0 + 1 }),
      task("evaluate", "FAIL", { time: t0 + 60 }),
    ];
    const attempts = (first: object[], last: object[]) =>
      evaluate(segment(1, 0, first, t0), segment(2, 0, last, t0 + 9))?.attempts;
    const both = { number: 1, start: t0 + 1, end: t0 + 99, message: "" };
    expect(attempts(one, two)).toEqual([{ ...both, status: "FAIL" }]);
    expect(attempts(two, one)).toEqual([{ ...both, status: "SUCCESS" }]);
  });

  test("is PROCESSING while one of its writers is at it, unless that one was declared ended", () => {
    const begun = segment(1, 0, [run(), task("evaluate", "PROCESSING")], t0);
    const other = (fields: object): Segment =>
      segment(2, 0, [run(fields), task("evaluate", "PROCESSING"), task("evaluate", "SUCCESS")], t0 + 9);
    expect(evaluate(begun)?.status).toBe("PROCESSING");
    expect(evaluate(begun, other({}))?.status).toBe("PROCESSING");
    expect(evaluate(begun, other({ seen: { [writerName(1)]: 1 }, ended: [writerName(1)] }))?.status).toBe(
      "SUCCESS",
    );
  });

  test("that nobody ended takes the run's end", () => {
    const crashed = segment(1, 0, [
      run(),
      task("evaluate", "PROCESSING"),
      finish("FAIL", { message: "SIGKILL" }),
    ]);
    expect(evaluate(crashed)?.attempts).toEqual([
      { number: 1, status: "FAIL", start: t0, end: t0 + 1_000, message: "SIGKILL" },
    ]);
  });

  test.each<[string, object[], number | undefined]>([
    ["the last good one", [task("evaluate", "SUCCESS"), task("evaluate", "FAIL", { attempt: 2 })], 0.1],
    ["the last when none is good", [task("evaluate", "FAIL"), task("evaluate", "FAIL", { attempt: 2 })], 0.2],
  ])("the run log shows the observations of %s", (_, ends, expected) => {
    const state = foldSegments([segment(1, 0, [run(), loss(0.1, 1), loss(0.2, 2), ...ends, finish()])]);
    if (state === undefined) throw new Error("no run");
    expect(runLog(state).steps.evaluate?.user_defined_metrics).toEqual({ loss: expected });
    expect(runLog(state).steps.evaluate?.attempts).toHaveLength(2);
  });

  test("main lasts as long as the run and is there when nothing else is", () => {
    const state = foldSegments([segment(1, 0, [run(), finish("FAIL", { message: "oops" })])]);
    expect([...(state?.tasks.keys() ?? [])]).toEqual(["main"]);
    expect(state?.tasks.get("main")?.attempts).toEqual([
      { number: 1, status: "FAIL", start: t0, end: t0 + 1_000, message: "oops" },
    ]);
    const named = foldSegments([segment(1, 0, [run(), metrics("loss", [1], 0, "evaluate")])]);
    expect([...(named?.tasks.keys() ?? [])]).toEqual(["evaluate"]);
  });
});
