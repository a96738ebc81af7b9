import { expect, it } from "vitest";
import type { Segment } from "../../src/model/segment-line.ts";
import { createSummaries } from "../../src/stores/summaries.ts";
import { listOf, segmentsOf } from "../contract/segments.ts";

it("a run is folded once for each state, forgotten when it is gone, and left out when it cannot be folded", async () => {
  const versions = new Map([
    ["a", "1"],
    ["b", "1"],
    ["empty", "1"],
  ]);
  const folded: string[] = [];
  async function* segments(run: string): AsyncGenerator<Segment> {
    folded.push(run);
    if (run !== "empty") yield* segmentsOf(run, 0, 2);
  }
  const runs = createSummaries({ versions: async () => new Map(versions), segments });
  const listed = async (): Promise<string[]> => (await listOf(runs())).map(({ run }) => run).sort();
  expect(await listed()).toEqual(["a", "b"]);
  expect(await listed()).toEqual(["a", "b"]);
  expect(folded).toEqual(["a", "b", "empty"]);
  versions.set("a", "2");
  expect(await listed()).toEqual(["a", "b"]);
  expect(folded).toEqual(["a", "b", "empty", "a"]);
  versions.delete("b");
  expect(await listed()).toEqual(["a"]);
  versions.set("b", "1");
  expect(await listed()).toEqual(["a", "b"]);
  expect(folded).toEqual(["a", "b", "empty", "a", "b"]);
});
