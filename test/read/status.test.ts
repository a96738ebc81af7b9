import { describe, expect, test } from "vitest";
import type { Segment } from "../../src/model/segment-line.ts";
import { foldSegments } from "../../src/read/fold.ts";
import { finish, metrics, run, segment, t0, task, writerName } from "./segments.ts";

const [a, b, c] = [writerName(1), writerName(2), writerName(3)] as const;

/** Writer 1 starts at seq 0; what it did after. */
function first(...records: object[]): Segment {
  return segment(1, 0, [run(), metrics("loss", [1]), ...records], t0);
}

function second(fields: object, ...records: object[]): Segment {
  return segment(2, 0, [run(fields), ...records], t0 + 100);
}

describe("the status of a run", () => {
  test.each<[string, Segment[], string]>([
    ["a writer that began", [first()], "PROCESSING"],
    ["a writer that finished", [first(finish())], "SUCCESS"],
    ["a writer that failed", [first(finish("FAIL"))], "FAIL"],
    ["two, one still at work", [first(finish()), second({})], "PROCESSING"],
    ["two, both done", [first(finish()), second({}, finish())], "SUCCESS"],
    ["two, one failed, one at work", [first(finish("FAIL")), second({})], "FAIL"],
    ["resumed after a crash, at work", [first(), second({ seen: { [a]: 1 }, ended: [a] })], "PROCESSING"],
    ["resumed after a crash, done", [first(), second({ seen: { [a]: 1 }, ended: [a] }, finish())], "SUCCESS"],
    [
      "resumed after a failure",
      [first(finish("FAIL")), second({ seen: { [a]: 1 }, ended: [a] }, finish())],
      "SUCCESS",
    ],
    ["joined beside a living one", [first(), second({ seen: { [a]: 1 } }, finish())], "PROCESSING"],
    ["closed by another", [first(), second({ seen: { [a]: 1 }, ended: [a] }, finish("FAIL"))], "FAIL"],
    [
      "a sleeper that came back after it was closed",
      [
        first(),
        second({ seen: { [a]: 1 }, ended: [a] }, finish("FAIL")),
        segment(1, 1, [run({ seen: { [a]: 1, [b]: 1 }, ended: [b] })], t0 + 200),
      ],
      "PROCESSING",
    ],
    [
      "a writer said ended that went on past what was seen",
      [
        first(),
        second({ seen: { [a]: 1 }, ended: [a] }, finish()),
        segment(1, 1, [finish("FAIL")], t0 + 200),
      ],
      "FAIL",
    ],
    [
      "a writer cannot end itself",
      [segment(1, 0, [run({ seen: { [a]: 9 }, ended: [a] }), finish("FAIL")])],
      "FAIL",
    ],
    ["only a task failed: the client decides", [first(task("x", "FAIL"), finish())], "SUCCESS"],
    [
      "resumed twice",
      [
        first(),
        second({ seen: { [a]: 1 }, ended: [a] }),
        segment(3, 0, [run({ seen: { [a]: 1, [b]: 1 }, ended: [a, b] }), finish()], t0 + 300),
      ],
      "SUCCESS",
    ],
  ])("%s", (_, segments, status) => {
    expect(foldSegments(segments)?.status).toBe(status);
    expect(foldSegments([...segments].reverse())?.status).toBe(status);
  });

  test("ended is the last finish that counts, with its signal and message", () => {
    const killed = finish("FAIL", { time: t0 + 50, signal: "SIGTERM", message: "told to stop" });
    expect(foldSegments([first(killed)])).toMatchObject({
      ended: t0 + 50,
      signal: "SIGTERM",
      message: "told to stop",
    });
    const resumed = second({ seen: { [a]: 1 }, ended: [a] }, finish("SUCCESS", { time: t0 + 900 }));
    expect(foldSegments([first(killed), resumed])).toMatchObject({
      ended: t0 + 900,
      signal: undefined,
      message: "",
    });
    expect(foldSegments([first()])?.ended).toBeUndefined();
    expect(foldSegments([first(), segment(3, 0, [run()], t0 + 1)])?.writers).toEqual([a, c]);
  });
});
