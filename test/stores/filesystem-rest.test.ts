import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Segment } from "../../src/model/segment-line.ts";
import { segmentOf, segmentsOf, writerOf } from "../contract/segments.ts";
import { watchDisk } from "./disk-calls.ts";
import { folderForEachTest, run } from "./folder.ts";

/** What a store does while nobody asks it for anything: its timers are in the test's hand. */

const folder = folderForEachTest();
afterEach(() => void vi.useRealTimers());
const holdTimers = (): unknown => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });

const path = (): string => join(folder.path, `${run}.json`);
const runLog = (): string => (existsSync(path()) ? readFileSync(path(), "utf8") : "none");
const task = (seq: number, status: string): Segment =>
  segmentOf({
    run,
    seq,
    records: [{ type: "task", task: `t${seq}`, attempt: 1, status, time: 1_700_000_000_500 }],
  });

describe("the run log", () => {
  it("is written 10 s after what it lacks, once", async () => {
    holdTimers();
    const store = folder.openStore();
    await store.append(segmentsOf(run, 0, 1));
    await store.append([task(1, "PROCESSING")]);
    await vi.advanceTimersByTimeAsync(9_999);
    expect(runLog()).toBe("none");
    await vi.advanceTimersByTimeAsync(1);
    await vi.waitFor(() => expect(runLog()).toContain(run));
    rmSync(path());
    await vi.advanceTimersByTimeAsync(60_000);
    await store.close();
    expect(runLog()).toBe("none");
  });

  it("is written at a task's end, whatever that is, when it has rested", async () => {
    holdTimers();
    const store = folder.openStore();
    await store.append(segmentsOf(run, 0, 1));
    await store.append([task(1, "FAIL")]);
    await vi.waitFor(() => expect(runLog()).toContain('"t1"'));
    await vi.advanceTimersByTimeAsync(9_000);
    await store.append([task(2, "SUCCESS")]);
    await vi.waitFor(() => expect(runLog()).toContain('"t2"'));
  });

  it("that could not be written is tried again after 10 s", async () => {
    holdTimers();
    const store = folder.openStore();
    mkdirSync(join(path(), "x"), { recursive: true });
    mkdirSync(folder.journal(), { recursive: true });
    const end = { type: "finish", status: "SUCCESS", time: 1_700_000_001_000 };
    await store.append([...segmentsOf(run, 0, 1), segmentOf({ run, seq: 1, records: [end] })]);
    rmSync(path(), { recursive: true });
    await vi.advanceTimersByTimeAsync(10_000);
    await vi.waitFor(() => expect(runLog()).toContain("SUCCESS"));
  });

  it("tells what another process appended while it was written", async () => {
    holdTimers();
    const [store, other] = [folder.openStore(), folder.openStore()];
    await store.append(segmentsOf(run, 0, 1));
    const disk = await watchDisk(folder.path);
    let late = true;
    const push = disk.done.push.bind(disk.done);
    const appended: Promise<void>[] = [];
    disk.done.push = (call: string) => {
      if (late && call.startsWith("rename") && call.endsWith(`${run}.json`)) {
        late = false;
        appended.push(other.append([segmentOf({ run, writer: 1, seq: 0, mark: "late" })]));
      }
      return push(call);
    };
    const end = { type: "finish", status: "SUCCESS", time: 1_700_000_001_000 };
    await store.append([segmentOf({ run, seq: 1, records: [end] })]);
    await Promise.all(appended);
    expect(appended).toHaveLength(1);
    await other.append([segmentOf({ run, writer: 1, seq: 1, mark: "later" })]);
    await store.close();
    await other.close();
    expect(runLog()).toContain("late");
  });

  it("of a deleted run is not written again", async () => {
    holdTimers();
    const store = folder.openStore();
    await store.append(segmentsOf(run, 0, 1));
    await store.delete(run);
    await vi.advanceTimersByTimeAsync(20_000);
    await store.close();
    expect(runLog()).toBe("none");
  });
});

describe("handles", () => {
  /** Paths of journal files that are open. */
  const openIn = (done: readonly string[]): number => {
    const count = (kind: string): number =>
      done.filter((call) => call.startsWith(kind) && call.endsWith(".jsonl")).length;
    return count("open ") - count("close ");
  };

  it("are 64 at most, of the writers that wrote last", async () => {
    const { done } = await watchDisk(folder.path);
    const store = folder.openStore();
    for (let writer = 0; writer < 66; writer++) await store.append(segmentsOf(run, 0, 1, writer));
    expect(openIn(done)).toBe(64);
    const closed = done.filter((call) => call.startsWith("close ") && call.endsWith(".jsonl"));
    expect(closed).toEqual([0, 1].map((writer) => `close .journal/${run}/${writerOf(writer)}.0.jsonl`));
    await store.append(segmentsOf(run, 1, 2));
    expect(folder.journalFiles()).toHaveLength(66);
    expect(openIn(done)).toBe(64);
    await store.close();
    expect(openIn(done)).toBe(0);
  });

  it("are closed after 10 s of rest, and the file is gone on with", async () => {
    holdTimers();
    const { done } = await watchDisk(folder.path);
    const store = folder.openStore();
    for (let times = 0; times < 2; times++) {
      await store.append(segmentsOf(run, times, times + 1));
      expect(openIn(done)).toBe(1);
      await vi.advanceTimersByTimeAsync(9_999);
      expect(openIn(done)).toBe(1);
      await vi.advanceTimersByTimeAsync(1);
      await vi.waitFor(() => expect(openIn(done)).toBe(0));
    }
    expect(folder.journalFiles()).toHaveLength(1);
  });

  it("and timers are none once the store is closed", async () => {
    holdTimers();
    const store = folder.openStore();
    await store.append(segmentsOf(run, 0, 1));
    expect(vi.getTimerCount()).toBeGreaterThan(0);
    await store.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});
