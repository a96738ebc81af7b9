import { memoryStore } from "runlog";
import { beforeEach, describe, expect, it } from "vitest";
import { deadMillis, writerLock } from "../../src/client/lease.ts";
import { closeDead, closeSilent } from "../../src/client/liveness.ts";
import { encodeSegment, readRecords, type Segment } from "../../src/model/segment-line.ts";
import type { LocalStore } from "../../src/stores/store.ts";
import { listOf, someUid, writerOf } from "../contract/segments.ts";

const run = "r";
let store: LocalStore;
let id: string;
/** When the writers of the test last wrote. */
let wrote: number;

beforeEach(async () => {
  store = { ...memoryStore(), lastWrite: async () => wrote };
  id = await store.id();
  wrote = Date.now();
});

/** A writer of the run that tracked until `time` and said no more. */
async function begin(
  writer: number,
  more: { store?: string; clock?: number; time?: number } = {},
): Promise<void> {
  const { time = 7, clock = 1, store: from = id } = more;
  const first = { type: "run", time: 1, uid: someUid, store: from };
  const value = { type: "value", task: "main", key: "a", step: 0, time, json: 1 };
  const name = { run, writer: writerOf(writer), seq: 0, clock };
  await store.append([encodeSegment(name, [JSON.stringify(first), JSON.stringify(value)])]);
}

async function hold(writer: number): Promise<void> {
  await store.locks.take(writerLock(id, writerOf(writer)));
}

/** The segments of writers that are none of the test's. */
async function closings(): Promise<Segment[]> {
  const known = [writerOf(0), writerOf(1)];
  return (await listOf(store.segments(run))).filter(({ writer }) => !known.includes(writer));
}

const statusOf = async (): Promise<unknown> => (await listOf(store.runs()))[0]?.status;

describe("a run whose writers died without a word", () => {
  it("is closed a minute after the last write, as failed, at the time of its last record", async () => {
    await begin(0);
    expect(await closeDead(store, wrote + deadMillis)).toEqual([]);
    expect(await closings()).toEqual([]);
    expect(await closeDead(store, wrote + deadMillis + 1)).toEqual([run]);
    const [closing] = await closings();
    expect(closing?.clock).toBe(wrote + deadMillis + 1);
    expect(readRecords(closing as Segment)).toMatchObject([
      { type: "run", uid: someUid, store: id, seen: { [writerOf(0)]: 1 }, ended: [writerOf(0)] },
      { type: "finish", status: "FAIL", time: 7, dead: true, message: expect.stringContaining("finish()") },
    ]);
    expect(await statusOf()).toBe("FAIL");
    expect(await closeDead(store, wrote + 2 * deadMillis)).toEqual([]);
    expect(await closings()).toHaveLength(1);
  });

  it("is closed past every clock that was seen in it", async () => {
    await begin(0, { clock: wrote + 10 * deadMillis });
    await closeDead(store, wrote + deadMillis + 1);
    expect((await closings())[0]?.clock).toBe(wrote + 10 * deadMillis + 1);
  });

  it("is left alone while one of them holds its lock, or wrote a moment ago", async () => {
    await begin(0);
    await begin(1);
    await hold(1);
    expect(await closeDead(store, wrote + deadMillis + 1)).toEqual([]);
    expect(await closings()).toEqual([]);
    expect(await statusOf()).toBe("PROCESSING");
  });

  it("is not closed by a store that its writers did not write to", async () => {
    await begin(0, { store: "f".repeat(32) });
    expect(await closeDead(store, wrote + deadMillis + 1)).toEqual([]);
    await begin(1);
    expect(await closeDead(store, wrote + deadMillis + 1)).toEqual([run]);
    expect(readRecords((await closings())[0] as Segment)[0]).toMatchObject({ ended: [writerOf(1)] });
  });

  it("whose writer is not known to have written is closed", async () => {
    store = { ...store, lastWrite: async () => undefined };
    await begin(0);
    expect(await closeDead(store, Date.now())).toEqual([run]);
  });
});

describe("at a writer's finish", () => {
  it("those that hold no lock are closed at once, the others not", async () => {
    await begin(0);
    await begin(1);
    await hold(0);
    await closeSilent(store, run, wrote);
    expect(readRecords((await closings())[0] as Segment)[0]).toMatchObject({ ended: [writerOf(1)] });
  });

  it("nobody is closed where all hold their locks, or wrote elsewhere, or there is one alone", async () => {
    await begin(0);
    await closeSilent(store, run, wrote);
    await begin(1, { store: "f".repeat(32) });
    await hold(0);
    await closeSilent(store, run, wrote);
    await closeSilent(store, "no-such-run", wrote);
    expect(await closings()).toEqual([]);
  });
});
