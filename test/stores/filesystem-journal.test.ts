import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { decodeSegment, isPlaceholder, type Segment } from "../../src/model/segment-line.ts";
import {
  listOf,
  placeholderOf,
  segmentOf,
  segmentsOf,
  someUid,
  textOf,
  textsOf,
  writerOf,
} from "../contract/segments.ts";
import { folderForEachTest, handlePrototype, linesOf, run, writer } from "./folder.ts";

const folder = folderForEachTest();

describe("journal files", () => {
  it("hold one line for each segment, and each opening makes its own", async () => {
    const one = folder.openStore();
    await one.append(segmentsOf(run, 0, 2));
    await one.append(segmentsOf(run, 2, 3));
    await folder.openStore().append(segmentsOf(run, 3, 4));
    expect(folder.journalFiles()).toEqual([`${writer}.0.jsonl`, `${writer}.1.jsonl`]);
    expect(folder.read(`${writer}.0.jsonl`)).toEqual(linesOf(segmentsOf(run, 0, 3)));
    expect(folder.read(`${writer}.1.jsonl`)).toEqual(linesOf(segmentsOf(run, 3, 4)));
  });

  it("join where several instances write at once, to one run and as one writer", async () => {
    const many = Array.from({ length: 4 }, () => folder.openStore());
    const all = segmentsOf(run, 0, 40);
    await many[0]?.append(all.slice(0, 1));
    await Promise.all(many.flatMap((store) => all.map((_, at) => store.append(all.slice(0, at + 1)))));
    await Promise.all(many.map((store, at) => store.append(segmentsOf(run, 0, 30, at + 1))));
    for (const store of [...many, folder.openStore()]) {
      expect(await textsOf(store.segments(run, { [writer]: 0 }))).toHaveLength(160);
      expect((await textsOf(store.segments(run))).slice(0, 40)).toEqual(all.map(textOf));
    }
  });

  it("share one flush among calls that wait", async () => {
    const store = folder.openStore();
    await store.append(segmentsOf(run, 0, 1));
    const flush = vi.spyOn(await handlePrototype(folder), "datasync");
    await Promise.all(segmentsOf(run, 1, 50).map((segment) => store.append([segment])));
    expect(flush.mock.calls.length).toBeLessThanOrEqual(2);
    expect(await store.position(run)).toEqual({ [writer]: 50 });
  });

  it("are flushed before a segment counts that a killed process left in them", async () => {
    folder.writeJournal(`${writer}.0.jsonl`, linesOf(segmentsOf(run, 0, 2)));
    const store = folder.openStore();
    const flush = vi.spyOn(await handlePrototype(folder), "datasync");
    await store.append(segmentsOf(run, 0, 2));
    expect(flush).toHaveBeenCalledTimes(1);
    await store.append(segmentsOf(run, 0, 2));
    expect(flush).toHaveBeenCalledTimes(1);
    expect(folder.journalFiles()).toEqual([`${writer}.0.jsonl`]);
  });

  it("are read in pieces, also where a line lies across two of them", async () => {
    const large = [0, 1, 2, 3].map((seq) => segmentOf({ run, seq, fill: 700_000 }));
    folder.writeJournal(`${writer}.0.jsonl`, linesOf(large));
    const store = folder.openStore();
    expect(await store.position(run)).toEqual({ [writer]: 4 });
    expect(await textsOf(store.segments(run))).toEqual(large.map(textOf));
  });

  it("that another instance writes show at once in the list of runs", async () => {
    const [one, other] = [folder.openStore(), folder.openStore()];
    await other.append(segmentsOf(run, 0, 1));
    expect(await listOf(one.runs())).toMatchObject([{ run, status: "PROCESSING" }]);
    const end = { type: "finish", status: "SUCCESS", time: 1_700_000_001_000 };
    await other.append([segmentOf({ run, seq: 1, records: [end] })]);
    expect(await listOf(one.runs())).toMatchObject([{ run, status: "SUCCESS" }]);
    writeFileSync(folder.journal("../notes"), "no run");
    expect(await listOf(folder.openStore().runs())).toHaveLength(1);
  });

  it("that are cut while they are read are looked at again", async () => {
    folder.writeJournal(`${writer}.0.jsonl`, linesOf(segmentsOf(run, 0, 2)));
    const store = folder.openStore();
    const read = vi.spyOn(await handlePrototype(folder), "read");
    read.mockResolvedValueOnce({ bytesRead: 0, buffer: Buffer.alloc(0) });
    expect(await store.position(run)).toEqual({});
    folder.writeJournal(`${writer}.0.jsonl`, linesOf(segmentsOf(run, 0, 3)));
    expect(await store.position(run)).toEqual({ [writer]: 3 });
  });

  it("of other programs and with foreign lines are passed over", async () => {
    const store = folder.openStore();
    await store.append(segmentsOf(run, 0, 2));
    folder.writeJournal("notes.txt", Buffer.from("x"));
    folder.writeJournal(`${writerOf(1)}.0.jsonl`, linesOf(segmentsOf("other-run", 0, 2, 1)));
    folder.writeJournal(
      `${writerOf(2)}.0.jsonl`,
      linesOf([segmentOf({ run, writer: 2, seq: 900_000_000_000 })]),
    );
    expect(await store.position(run)).toEqual({ [writer]: 2 });
  });
});

describe("a torn tail", () => {
  it("is the end, at every byte, and the next opening goes on", async () => {
    const all = segmentsOf(run, 0, 3);
    const whole = linesOf(all);
    const ends = [0, 1, 2, 3].map((count) => linesOf(all.slice(0, count)).length);
    for (let length = 0; length < whole.length; length++) {
      folder.writeJournal(`${writer}.0.jsonl`, whole.subarray(0, length));
      const store = folder.openStore();
      const kept = ends.findLastIndex((end) => end <= length);
      expect((await store.position(run))[writer] ?? 0, `${length} bytes`).toBe(kept);
      if (length % 16 > 0) continue;
      await store.append(all);
      expect(await textsOf(folder.openStore().segments(run)), `${length} bytes`).toEqual(all.map(textOf));
      rmSync(folder.journal(), { recursive: true });
    }
  });

  it("that grew into a line is read on", async () => {
    const whole = linesOf(segmentsOf(run, 0, 3));
    const store = folder.openStore();
    for (let length = 0; length <= whole.length; length += 37) {
      folder.writeJournal(`${writer}.0.jsonl`, whole.subarray(0, length));
      await store.position(run);
    }
    folder.writeJournal(`${writer}.0.jsonl`, whole);
    expect(await textsOf(store.segments(run))).toEqual(segmentsOf(run, 0, 3).map(textOf));
  });

  it("of zeros is the end too", async () => {
    folder.writeJournal(
      `${writer}.0.jsonl`,
      Buffer.concat([linesOf(segmentsOf(run, 0, 2)), Buffer.alloc(5_000)]),
    );
    expect(await folder.openStore().position(run)).toEqual({ [writer]: 2 });
  });
});

describe("damage", () => {
  it("of any bit loses that segment alone, and says so", async () => {
    const all = segmentsOf(run, 0, 3);
    const whole = linesOf(all);
    const [start, end] = [linesOf(all.slice(0, 1)).length, linesOf(all.slice(0, 2)).length];
    for (let at = start; at < end; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
      folder.writeJournal(`${writer}.0.jsonl`, damaged);
      const read = await listOf(folder.openStore().segments(run));
      expect(
        read.map(({ seq }) => seq),
        `byte ${at}`,
      ).toEqual([0, 1, 2].slice(0, read.length));
      expect(read.map(isPlaceholder).filter(Boolean).length, `byte ${at}`).toBeLessThanOrEqual(2);
      const last = at === end - 1 ? 0 : 2; // a line end that is gone takes the next line with it: a torn tail
      expect(textOf(read[last] as Segment)).toBe(textOf(all[last] as Segment));
      if (last === 2) expect(textOf(read[1] as Segment)).toContain('"reason":"damaged"');
      decodeSegment((read[1] ?? read[0])?.bytes as Uint8Array);
    }
  });

  it("of the first segment keeps the uid, and the true one heals it", async () => {
    const all = segmentsOf(run, 0, 3);
    const damaged = linesOf(all);
    damaged[damaged.indexOf("contract")] = 0x58;
    folder.writeJournal(`${writer}.0.jsonl`, damaged);
    const store = folder.openStore();
    const [first] = await listOf(store.segments(run));
    expect(isPlaceholder(first as Segment)).toBe(true);
    expect(textOf(first as Segment)).toContain(someUid);
    const foreign = segmentOf({ run, writer: 1, seq: 0, uid: "f".repeat(32) });
    await expect(store.append([foreign])).rejects.toMatchObject({ code: "run_id_taken" });
    await store.append([placeholderOf({ run, seq: 0 })]);
    await store.append(all);
    expect(await textsOf(folder.openStore().segments(run))).toEqual(all.map(textOf));
  });

  it("that happens after the first look is found by its reader", async () => {
    const store = folder.openStore();
    await store.append(segmentsOf(run, 0, 3));
    const path = folder.journal(`${writer}.0.jsonl`);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 4;
    writeFileSync(path, bytes);
    expect((await listOf(store.segments(run))).map(isPlaceholder)).toEqual([false, true, false]);
  });

  it("that puts another segment in the place of one is found by its reader", async () => {
    const store = folder.openStore();
    const all = segmentsOf(run, 0, 3);
    await store.append(all);
    const swapped = [all[0], all[2], all[1]] as Segment[];
    writeFileSync(folder.journal(`${writer}.0.jsonl`), linesOf(swapped));
    // They are all there, and found where they are now.
    expect((await listOf(store.segments(run))).map(isPlaceholder)).toEqual([false, false, false]);
    for (const foreign of [segmentsOf("some-ruX", 0, 3), segmentsOf(run, 0, 3, 1)]) {
      writeFileSync(folder.journal(`${writer}.0.jsonl`), linesOf(foreign));
      expect(await listOf(store.segments(run))).toEqual([]);
    }
  });

  it("of a first segment that tells no uid any more holds up no other writer", async () => {
    const lines = Buffer.concat([Buffer.from("gone\n"), linesOf(segmentsOf(run, 1, 2))]);
    folder.writeJournal(`${writer}.0.jsonl`, lines);
    const store = folder.openStore();
    await store.append([...segmentsOf(run, 2, 3), ...segmentsOf(run, 0, 1, 1)]);
    expect(await store.position(run)).toEqual({ [writer]: 3, [writerOf(1)]: 1 });
    const foreign = segmentOf({ run, writer: 2, seq: 0, uid: "f".repeat(32) });
    await expect(store.append([foreign])).rejects.toMatchObject({ code: "run_id_taken" });
  });

  it("of a line longer than any segment takes no more than that", async () => {
    const [first, , last] = segmentsOf(run, 0, 3) as [Segment, Segment, Segment];
    const long = Buffer.alloc(9_000_000, "x");
    folder.writeJournal(
      `${writer}.0.jsonl`,
      Buffer.concat([linesOf([first]), long, Buffer.from("\n"), linesOf([last])]),
    );
    expect((await listOf(folder.openStore().segments(run))).map(isPlaceholder)).toEqual([false, true, false]);
  });

  it("of a ledger or a set-aside note costs a delivery, not an error", async () => {
    const { ledger } = folder.openStore();
    const entry = { url: "http://a", position: {}, delivered: 0, setAside: 0, state: {} };
    await ledger.write(run, "mlflow-0", entry);
    await ledger.setAside(run, "mlflow-0", { writer, seq: 1, index: 2, reason: "r", item: 1 });
    for (const text of ["", "{", "[]", '{"url":1}', '{"url":"a","position":{"w":[-1,0]}}']) {
      writeFileSync(folder.journal("ledger/mlflow-0.json"), text);
      expect(await ledger.read(run, "mlflow-0")).toBeUndefined();
    }
    writeFileSync(folder.journal(`aside/mlflow-0/${writer}-1-2.json`), "{");
    expect(await ledger.aside(run, "mlflow-0")).toMatchObject([{ writer, seq: 1, index: 2 }]);
    await ledger.write(run, "mlflow-0", entry);
    expect(await ledger.read(run, "mlflow-0")).toEqual(entry);
    await expect(ledger.write(run, "../x", entry)).rejects.toMatchObject({ code: "invalid" });
  });
});
