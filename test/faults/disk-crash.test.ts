import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { count } from "./count.ts";
import { type CrashOptions, crashes } from "./disk/crashes.ts";
import type { DiskCall } from "./disk/process.ts";

/**
 * The filesystem store on a disk in memory that forgets what was not flushed: bytes and names, in any order and in
 * part. Processes die at any call, by a kill or a power cut, and what was said to be kept is looked for after each.
 */

vi.mock("node:fs", async (real) => (await import("./disk/calls.ts")).withModel(await real()));
vi.mock("node:fs/promises", async (real) => (await import("./disk/calls.ts")).withModelAsync(await real()));

const seed = Number(process.env["RUNLOG_SEED"] ?? Date.now() % 1_000_000);

beforeAll(() => {
  process.stderr.write(`crashes of the disk in memory: RUNLOG_SEED=${seed}\n`);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterAll(() => void vi.useRealTimers());

/** The first seeds whose promises were broken, each with the first of them. */
async function failures(options: CrashOptions, seeds: number, most: number): Promise<string[]> {
  const failed: string[] = [];
  for (let at = seed; at < seed + seeds && failed.length < most; at++) {
    const [first] = await crashes(at, options);
    if (first !== undefined) failed.push(`RUNLOG_SEED=${at}: ${first}`);
  }
  return failed;
}

describe("a store that crashes at any call", () => {
  it("loses nothing that it said to keep, takes nothing that is damaged, and goes on", async () => {
    expect(await failures({}, count({ ci: 700, long: 14_000 }), 10)).toEqual([]);
  }, 3_600_000);

  it("does so on a disk whose calls fail now and then as well", async () => {
    expect(await failures({ faults: true }, count({ ci: 300, long: 6_000 }), 10)).toEqual([]);
  }, 3_600_000);
});

/** Stores that would lose data do so here too, or the tests above would prove nothing. */
describe("the same test tells", () => {
  const isTemporary = ({ path }: DiskCall): boolean => path.endsWith(".tmp");
  it.each<[name: string, ignores: (call: DiskCall) => boolean]>([
    ["a file whose bytes were not flushed", ({ kind }) => kind === "datasync"],
    ["a file whose name was not flushed", (call) => call.kind === "sync" && !isTemporary(call)],
    ["a file that was renamed before it was flushed", isTemporary],
    ["a folder whose name was not flushed", ({ kind, path }) => kind === "sync" && path.endsWith(".journal")],
    ["a folder above the store whose name was not flushed", ({ path }) => path === "/model"],
  ])("%s", async (_, ignores) => {
    expect(await failures({ ignores }, 400, 1)).toHaveLength(1);
  });
});
