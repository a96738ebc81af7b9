import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isRunlogError } from "../../src/errors.ts";
import type { Segment } from "../../src/model/segment-line.ts";
import type { RunSummary } from "../../src/read/summary.ts";
import type { LocalStore, Store } from "../../src/stores/store.ts";
import { localContract } from "./local-store.ts";
import {
  freshRun,
  listOf,
  placeholderOf,
  segmentOf,
  segmentsOf,
  someUid,
  textOf,
  textsOf,
  writerOf,
} from "./segments.ts";

/** A store under test. */
export interface Made {
  readonly store: Store;
  /** The same data through a new instance; absent where nothing outlives an instance. */
  reopen?(): Promise<Store>;
  /** The same store once more, where it is a local one. */
  readonly local?: LocalStore;
  cleanup(): Promise<void>;
}

/** The rules of `Store` and, for local ones, of `LocalStore`. Runs in every host; each test uses runs of its own. */
export function storeContract(
  name: string,
  make: () => Promise<Made>,
  kind: "local" | "remote" = "local",
): void {
  describe(name, () => {
    let made: Made;
    beforeAll(async () => {
      made = await make();
    });
    afterAll(() => made?.cleanup());
    describe("append", () => appendRules(() => made.store));
    describe("placeholders", () => placeholderRules(() => made.store));
    describe("reading", () => readingRules(() => made));
    describe("deleting", () => deleteRules(() => made));
    describe("watching", () => watchRules(() => made.store));
    if (kind === "local") localContract(() => made);
  });
}

function appendRules(store: () => Store): void {
  it("gives back the bytes of several writers, each from a position", async () => {
    const run = freshRun();
    const one = segmentsOf(run, 0, 5);
    const other = segmentsOf(run, 0, 3, 1);
    await store().append([...other.slice(0, 1), ...one.slice(0, 2), ...other.slice(1), ...one.slice(2)]);
    expect(await store().position(run)).toEqual({ [writerOf(0)]: 5, [writerOf(1)]: 3 });
    const all = await textsOf(store().segments(run));
    expect(all).toEqual(writerOf(0) < writerOf(1) ? texts([...one, ...other]) : texts([...other, ...one]));
    const rest = await textsOf(store().segments(run, { [writerOf(0)]: 4, [writerOf(1)]: 3 }));
    expect(rest).toEqual(texts(one.slice(4)));
  });

  it("takes nothing at all, and a whole segment of odd text", async () => {
    await store().append([]);
    const run = freshRun();
    const odd = segmentOf({ run, seq: 0, mark: '\u2028 \\n "crc" 𝄞 {"type":"finish"}' });
    await store().append([odd]);
    expect(await textsOf(store().segments(run))).toEqual(texts([odd]));
  });

  it("skips what is here already", async () => {
    const run = freshRun();
    const all = segmentsOf(run, 0, 4);
    await store().append(all);
    await store().append(all);
    await store().append([...all.slice(2), ...segmentsOf(run, 4, 5)]);
    expect(await textsOf(store().segments(run))).toEqual(texts(segmentsOf(run, 0, 5)));
  });

  it("refuses other bytes under a used name, and keeps the first and what came before", async () => {
    const run = freshRun();
    await store().append(segmentsOf(run, 0, 2));
    const forged = segmentOf({ run, seq: 1, mark: "other" });
    const given = [...segmentsOf(run, 2, 3), forged, ...segmentsOf(run, 3, 4)];
    await expect(store().append(given)).rejects.toMatchObject({ code: "segment_conflict" });
    expect(await textsOf(store().segments(run))).toEqual(texts(segmentsOf(run, 0, 3)));
  });

  it("refuses a gap, tells what it waits for, and keeps what came before", async () => {
    const run = freshRun();
    const refused = await store()
      .append([...segmentsOf(run, 0, 2), ...segmentsOf(run, 3, 5)])
      .catch(itself);
    expect(isRunlogError(refused, "segment_gap")).toBe(true);
    expect(refused).toMatchObject({ next: { [writerOf(0)]: 2 } });
    expect(await store().position(run)).toEqual({ [writerOf(0)]: 2 });
    await expect(store().append([segmentOf({ run: freshRun(), seq: 1 })])).rejects.toMatchObject({
      code: "segment_gap",
    });
  });

  it("keeps two runs of one id apart: the second uid is refused", async () => {
    const run = freshRun();
    await store().append(segmentsOf(run, 0, 1));
    const foreign = segmentOf({ run, writer: 1, seq: 0, uid: "f".repeat(32) });
    await expect(store().append([foreign])).rejects.toMatchObject({ code: "run_id_taken" });
    await store().append(segmentsOf(run, 0, 1, 2));
    expect(await store().position(run)).toEqual({ [writerOf(0)]: 1, [writerOf(2)]: 1 });
  });

  it("refuses the second uid inside one call", async () => {
    const run = freshRun();
    const foreign = segmentOf({ run, writer: 1, seq: 0, uid: "f".repeat(32) });
    await expect(store().append([...segmentsOf(run, 0, 1), foreign])).rejects.toMatchObject({
      code: "run_id_taken",
    });
    expect(await store().position(run)).toEqual({ [writerOf(0)]: 1 });
  });

  it("takes segments of several runs in one call", async () => {
    const [one, other] = [freshRun(), freshRun()];
    await store().append([...segmentsOf(one, 0, 1), ...segmentsOf(other, 0, 2), ...segmentsOf(one, 1, 2)]);
    expect(await store().position(one)).toEqual({ [writerOf(0)]: 2 });
    expect(await store().position(other)).toEqual({ [writerOf(0)]: 2 });
  });

  it("takes calls made at once, in their order", async () => {
    const run = freshRun();
    await Promise.all(segmentsOf(run, 0, 20).map((segment) => store().append([segment])));
    expect(await textsOf(store().segments(run))).toEqual(texts(segmentsOf(run, 0, 20)));
  });

  it("takes segments of a MiB and refuses one past 4 MiB", async () => {
    const run = freshRun();
    const large = [0, 1, 2, 3].map((seq) => segmentOf({ run, seq, fill: 1_048_576 }));
    await store().append(large);
    expect((await textsOf(store().segments(run))).map((text) => text.length)).toEqual(
      texts(large).map(({ length }) => length),
    );
    const tooLarge = segmentOf({ run, seq: 4, fill: 4 * 1_048_576 });
    const refused = await store().append([tooLarge]).catch(itself);
    expect(isRunlogError(refused)).toBe(true);
    expect(await store().position(run)).toEqual({ [writerOf(0)]: 4 });
  });

  it("refuses run ids that could be paths", async () => {
    for (const run of ["../x", "a/b", "con", ".x", ""]) {
      await expect(store().append([segmentOf({ run, seq: 0 })])).rejects.toMatchObject({ code: "invalid" });
      await expect(store().position(run)).rejects.toMatchObject({ code: "invalid" });
    }
  });
}

function placeholderRules(store: () => Store): void {
  it("lets the true segment replace its placeholder", async () => {
    const run = freshRun();
    await store().append([
      segmentOf({ run, seq: 0 }),
      placeholderOf({ run, seq: 1 }),
      segmentOf({ run, seq: 2 }),
    ]);
    expect(await textsOf(store().segments(run))).toContain(textOf(placeholderOf({ run, seq: 1 })));
    await store().append([segmentOf({ run, seq: 1 })]);
    expect(await textsOf(store().segments(run))).toEqual(texts(segmentsOf(run, 0, 3)));
    await expect(store().append([segmentOf({ run, seq: 1, mark: "z" })])).rejects.toMatchObject({
      code: "segment_conflict",
    });
  });

  it("lets a placeholder replace nothing, and says nothing about it", async () => {
    const run = freshRun();
    await store().append(segmentsOf(run, 0, 2));
    await store().append([placeholderOf({ run, seq: 1 }), ...segmentsOf(run, 2, 3)]);
    expect(await textsOf(store().segments(run))).toEqual(texts(segmentsOf(run, 0, 3)));
    await store().append([placeholderOf({ run, seq: 3 }), placeholderOf({ run, seq: 3, mark: "refused" })]);
    expect((await textsOf(store().segments(run)))[3]).toBe(textOf(placeholderOf({ run, seq: 3 })));
  });

  it("learns the uid from a placeholder of segment 0", async () => {
    const run = freshRun();
    await store().append([placeholderOf({ run, seq: 0 })]);
    const foreign = segmentOf({ run, seq: 0, uid: "f".repeat(32) });
    await expect(store().append([foreign])).rejects.toMatchObject({ code: "run_id_taken" });
    await store().append([segmentOf({ run, seq: 0 })]);
    expect(await textsOf(store().segments(run))).toEqual(texts(segmentsOf(run, 0, 1)));
  });
}

function readingRules(made: () => Made): void {
  it("finds nothing, and no error, where no run is", async () => {
    const run = freshRun();
    expect(await made().store.position(run)).toEqual({});
    expect(await textsOf(made().store.segments(run))).toEqual([]);
  });

  it("lists runs as summaries, newest first, and as the query says", async () => {
    const [one, other] = [freshRun(), freshRun()];
    await made().store.append([segmentOf({ run: one, seq: 0 }), segmentOf({ run: other, seq: 0 })]);
    const names = await namesOf(made().store.runs({ tag: "contract" }));
    expect(names).toEqual(expect.arrayContaining([one, other]));
    const [summary] = await listOf(made().store.runs({ tag: "contract", limit: 1 }));
    expect(summary).toMatchObject({ uid: someUid, status: "PROCESSING", tag: "contract" });
    expect(await listOf(made().store.runs({ tag: "no such tag" }))).toEqual([]);
    await made().store.append([segmentOf({ run: one, seq: 1, records: [finish] })]);
    const ended = await namesOf(made().store.runs({ status: "SUCCESS" }));
    expect(ended).toContain(one);
    expect(ended).not.toContain(other);
  });

  it("reads while others write", async () => {
    const run = freshRun();
    await made().store.append(segmentsOf(run, 0, 50));
    const seen: number[] = [];
    for await (const { seq } of made().store.segments(run)) {
      seen.push(seq);
      if (seq === 5) await made().store.append(segmentsOf(run, 50, 60));
    }
    expect(seen.slice(0, 50)).toEqual(Array.from({ length: 50 }, (_, seq) => seq));
  });

  it("keeps everything for a new instance, which goes on by the same rules", async () => {
    const again = await made().reopen?.();
    if (again === undefined) return;
    const run = freshRun();
    await made().store.append([...segmentsOf(run, 0, 3), placeholderOf({ run, seq: 3 })]);
    expect(await textsOf(again.segments(run))).toEqual(
      texts([...segmentsOf(run, 0, 3), placeholderOf({ run, seq: 3 })]),
    );
    await again.append([...segmentsOf(run, 2, 5), ...segmentsOf(run, 0, 1, 1)]);
    await expect(again.append([segmentOf({ run, seq: 0, mark: "x" })])).rejects.toMatchObject({
      code: "segment_conflict",
    });
    expect(await made().store.position(run)).toEqual({ [writerOf(0)]: 5, [writerOf(1)]: 1 });
    expect(await textsOf(made().store.segments(run, { [writerOf(1)]: 1 }))).toEqual(
      texts(segmentsOf(run, 0, 5)),
    );
    await again.close();
  });
}

function deleteRules(made: () => Made): void {
  it("removes the run and refuses its writers from then on", async () => {
    const { store } = made();
    const run = freshRun();
    await store.append(segmentsOf(run, 0, 3));
    await store.delete(run);
    expect(await store.position(run)).toEqual({});
    expect(await textsOf(store.segments(run))).toEqual([]);
    expect(await namesOf(store.runs())).not.toContain(run);
    await expect(store.append(segmentsOf(run, 3, 4))).rejects.toMatchObject({ code: "run_deleted" });
    await expect(store.append(segmentsOf(run, 0, 1, 1))).rejects.toMatchObject({ code: "run_deleted" });
    await store.delete(run);
    const again = await made().reopen?.();
    if (again === undefined) return;
    await expect(again.append(segmentsOf(run, 0, 1))).rejects.toMatchObject({ code: "run_deleted" });
    await again.close();
  });
}

function watchRules(store: () => Store): void {
  it("yields at the start, after a change of this run and of any, and ends at the abort", async () => {
    const run = freshRun();
    for (const watched of [run, undefined]) {
      const end = new AbortController();
      const watch = store().watch(watched, end.signal)[Symbol.asyncIterator]();
      expect(await watch.next()).toMatchObject({ done: false });
      const changed = watch.next();
      const { [writerOf(0)]: next = 0 } = await store().position(run);
      await store().append(segmentsOf(run, next, next + 1));
      expect(await changed).toMatchObject({ done: false });
      end.abort();
      for (let turn = await watch.next(); !turn.done; ) turn = await watch.next();
      expect(await watch.next()).toMatchObject({ done: true });
    }
  });

  it("yields nothing once aborted", async () => {
    expect(await listOf(store().watch(freshRun(), AbortSignal.abort()))).toEqual([]);
  });
}

const finish = { type: "finish", status: "SUCCESS", time: 1_700_000_000_500 };

async function namesOf(runs: AsyncIterable<RunSummary>): Promise<string[]> {
  return (await listOf(runs)).map(({ run }) => run);
}

function texts(segments: readonly Segment[]): string[] {
  return segments.map(textOf);
}

function itself(error: unknown): unknown {
  return error;
}
