import { fileURLToPath } from "node:url";
import { afterEach, expect, it } from "vitest";
import { segmentOf, textOf, textsOf, writerOf } from "../contract/segments.ts";
import { type Started, start } from "../env/process.ts";
import { folderForEachTest } from "./folder.ts";

const program = fileURLToPath(new URL("./append-forever.ts", import.meta.url));
const folder = folderForEachTest();
const started: Started[] = [];

afterEach(async () => {
  for (const one of started.splice(0)) await one.kill();
});

it("processes that share a run and are killed lose nothing that was durable", async () => {
  const writers = [0, 1, 2];
  for (const writer of writers) {
    started.push(start({ command: process.execPath, args: [program, folder.path, String(writer)] }));
  }
  const reader = folder.openStore();
  await expect.poll(() => Math.min(...started.map(lastSaid)), { timeout: 25_000 }).toBeGreaterThan(50);
  expect(Object.keys(await reader.position("shared"))).toHaveLength(3);
  for (const one of started) await one.kill();
  for (const store of [reader, folder.openStore()]) {
    for (const [writer, one] of started.entries()) {
      const { [writerOf(writer)]: next = 0 } = await store.position("shared");
      expect(next).toBeGreaterThan(lastSaid(one));
      const others = Object.fromEntries(
        writers.filter((each) => each !== writer).map((each) => [writerOf(each), 1e9]),
      );
      const wanted = Array.from({ length: next }, (_, seq) =>
        segmentOf({ run: "shared", writer, seq, fill: 3_000 }),
      );
      expect(await textsOf(store.segments("shared", others))).toEqual(wanted.map(textOf));
    }
  }
});

function lastSaid(one: Started): number {
  return Number(one.output().trimEnd().split("\n").at(-1) || -1);
}
