import { beforeEach, describe, expect, it } from "vitest";
import type { Segment } from "../../src/model/segment-line.ts";
import { appendTo } from "../../src/stores/indexeddb-append.ts";
import type { Database, RunRow } from "../../src/stores/indexeddb-connection.ts";
import { placeholderOf, segmentOf, segmentsOf, someUid, writerOf } from "../contract/segments.ts";

/** What an append does with its transaction, on a fake of one; browsers run the whole store by its contract. */

const run = "r";
let kept: Map<string, unknown>;
let db: Database;
let fails: ((name: string, key: unknown) => boolean) | undefined;

beforeEach(() => {
  kept = new Map();
  fails = undefined;
  db = { transaction: fakeTransaction } as unknown as Database;
});

/** Keeps clones, as IndexedDB does, and everything or nothing. */
function fakeTransaction(_: unknown, mode: string, options: unknown): unknown {
  expect([mode, options]).toEqual(["readwrite", { durability: "strict" }]);
  const before = new Map(kept);
  const done = Promise.withResolvers<void>();
  const idle = setTimeout(() => done.resolve(), 5);
  const keyOf = (name: string, key: unknown): string => JSON.stringify([name, key]);
  return {
    done: done.promise,
    abort() {
      clearTimeout(idle);
      kept = before;
      done.reject(new DOMException("aborted", "AbortError"));
    },
    objectStore: (name: string) => ({
      get: async (key: unknown) => structuredClone(kept.get(keyOf(name, key))),
      async put(value: unknown, key: unknown) {
        if (fails?.(name, key)) throw new TypeError(`a bug at ${name}`);
        kept.set(keyOf(name, key), structuredClone(value));
        return key;
      },
    }),
  };
}

const row = (of = run): RunRow | undefined => kept.get(JSON.stringify(["runs", of])) as RunRow | undefined;
const line = (seq: number): string => {
  const bytes = kept.get(JSON.stringify(["segments", [run, writerOf(0), seq]]));
  return new TextDecoder().decode(bytes as Uint8Array);
};
const textOf = ({ bytes }: Segment): string => new TextDecoder().decode(bytes);

describe("an append to IndexedDB", () => {
  it("keeps each line, and what the run's row must say", async () => {
    const before = Date.now();
    expect(await appendTo(db, segmentsOf(run, 0, 2))).toMatchObject({ changed: [run], problem: undefined });
    expect([line(0), line(1)]).toEqual(segmentsOf(run, 0, 2).map(textOf));
    expect(row()).toMatchObject({ uid: someUid, deleted: false, version: 1 });
    expect(row()?.writers[writerOf(0)]).toEqual({ next: 2, lastWrite: expect.any(Number) });
    expect(row()?.writers[writerOf(0)]?.lastWrite).toBeGreaterThanOrEqual(before);
  });

  it("skips what is here, and then changes nothing", async () => {
    await appendTo(db, segmentsOf(run, 0, 2));
    expect(await appendTo(db, segmentsOf(run, 0, 2))).toMatchObject({ changed: [], problem: undefined });
    expect(row()?.version).toBe(1);
    expect(await appendTo(db, segmentsOf(run, 1, 3))).toMatchObject({ changed: [run] });
    expect(row()).toMatchObject({ version: 2, writers: { [writerOf(0)]: { next: 3 } } });
  });

  it("replaces a placeholder, and never goes back by that", async () => {
    await appendTo(db, [...segmentsOf(run, 0, 1), placeholderOf({ run, seq: 1 }), ...segmentsOf(run, 2, 3)]);
    await appendTo(db, segmentsOf(run, 1, 2));
    expect(line(1)).toBe(textOf(segmentOf({ run, seq: 1 })));
    expect(row()?.writers[writerOf(0)]?.next).toBe(3);
    const forged = segmentOf({ run, seq: 1, mark: "x" });
    expect(await appendTo(db, [forged])).toMatchObject({
      changed: [],
      problem: { code: "segment_conflict" },
    });
    expect(line(1)).toBe(textOf(segmentOf({ run, seq: 1 })));
  });

  it("stops at the first problem, and keeps what came before", async () => {
    const given = [
      ...segmentsOf(run, 0, 1),
      ...segmentsOf("other", 0, 1),
      ...segmentsOf(run, 2, 3),
      ...segmentsOf(run, 1, 2),
    ];
    const { changed, problem } = await appendTo(db, given);
    expect(problem).toMatchObject({ code: "segment_gap", next: { [writerOf(0)]: 1 } });
    expect(changed).toEqual([run, "other"]);
    expect(row()?.writers[writerOf(0)]?.next).toBe(1);
    // Versions come from one counter, so that none is ever used twice.
    expect([row()?.version, row("other")?.version]).toEqual([1, 2]);
  });

  it("keeps nothing when it fails by a bug, which is thrown", async () => {
    await appendTo(db, segmentsOf(run, 0, 1));
    const before = new Map(kept);
    fails = (name) => name === "runs";
    await expect(appendTo(db, segmentsOf(run, 1, 3))).rejects.toThrow("a bug at runs");
    expect(kept).toEqual(before);
    fails = (name, key) => name === "segments" && (key as unknown[])[2] === 2;
    await expect(appendTo(db, segmentsOf(run, 1, 3))).rejects.toThrow("a bug at segments");
    expect(kept).toEqual(before);
  });

  it("keeps a line alone, not the buffer that it was cut from", async () => {
    const whole = segmentOf({ run, seq: 0 });
    const buffer = new Uint8Array(100_000);
    buffer.set(whole.bytes, 500);
    const view = { ...whole, bytes: buffer.subarray(500, 500 + whole.bytes.length) };
    await appendTo(db, [view]);
    const bytes = kept.get(JSON.stringify(["segments", [run, writerOf(0), 0]])) as Uint8Array;
    expect(bytes.buffer.byteLength).toBe(whole.bytes.length);
    expect(line(0)).toBe(textOf(whole));
  });
});
