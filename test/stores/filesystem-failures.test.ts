import fs, {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { filesystemStore } from "../../src/stores/filesystem/index.ts";
import { listOf, segmentsOf, textOf, textsOf, writerOf } from "../contract/segments.ts";
import { errno, folderForEachTest, handlePrototype, linesOf, run, writer } from "./folder.ts";

const folder = folderForEachTest();

describe("writes that fail", () => {
  it("half way are gone on with", async () => {
    const store = folder.openStore();
    const prototype = await handlePrototype(folder);
    const write = prototype.write as (...given: unknown[]) => Promise<{ bytesWritten: number }>;
    vi.spyOn(prototype, "write").mockImplementation(function (this: FileHandle, ...given: unknown[]) {
      const [bytes, offset, length, position] = given as [Uint8Array, number, number, number];
      return write.call(this, bytes, offset, Math.min(length, 7), position);
    } as never);
    await store.append(segmentsOf(run, 0, 4));
    await store.append(segmentsOf(run, 4, 6));
    expect(folder.read(`${writer}.0.jsonl`)).toEqual(linesOf(segmentsOf(run, 0, 6)));
  });

  it("not at all, but take their time, are waited for before the flush", async () => {
    const store = folder.openStore();
    const prototype = await handlePrototype(folder);
    const write = prototype.write as (...given: unknown[]) => Promise<unknown>;
    vi.spyOn(prototype, "write").mockImplementation(async function (this: FileHandle, ...given: unknown[]) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return write.call(this, ...given);
    } as never);
    await store.append(segmentsOf(run, 0, 2));
    expect(folder.journalFiles()).toEqual([`${writer}.0.jsonl`]);
    expect(folder.read(`${writer}.0.jsonl`)).toEqual(linesOf(segmentsOf(run, 0, 2)));
  });

  it("without an error and without a byte are failures", async () => {
    const store = folder.openStore();
    await store.append(segmentsOf(run, 0, 1));
    const write = vi.spyOn(await handlePrototype(folder), "write");
    write.mockResolvedValue({ bytesWritten: 0, buffer: "" });
    await expect(store.append(segmentsOf(run, 1, 2))).rejects.toThrow(/wrote nothing/);
    write.mockRestore();
    const writeSync = vi.spyOn(fs, "writeSync").mockReturnValue(0);
    syncBuiltinESMExports();
    onTestFinished(syncBuiltinESMExports);
    expect(() => store.appendSync?.(segmentsOf(run, 1, 2))).toThrow(/wrote nothing/);
    writeSync.mockRestore();
  });

  it("in their flush are never trusted: all of it goes to the next file", async () => {
    const store = folder.openStore();
    await store.append(segmentsOf(run, 0, 1));
    vi.spyOn(await handlePrototype(folder), "datasync").mockRejectedValueOnce(errno("EIO"));
    await store.append(segmentsOf(run, 1, 3));
    await store.append(segmentsOf(run, 3, 4));
    // Not even the system's memory shows them: another process would believe it.
    expect(folder.read(`${writer}.0.jsonl`)).toEqual(linesOf(segmentsOf(run, 0, 1)));
    expect(folder.read(`${writer}.1.jsonl`)).toEqual(linesOf(segmentsOf(run, 1, 4)));
    for (const reader of [store, folder.openStore()]) {
      expect(await textsOf(reader.segments(run))).toEqual(segmentsOf(run, 0, 4).map(textOf));
    }
  });

  it("twice reject, count nothing as here, and leave room for the next try", async () => {
    const store = folder.openStore();
    await store.append(segmentsOf(run, 0, 1));
    const flush = vi.spyOn(await handlePrototype(folder), "datasync").mockRejectedValue(errno("EIO"));
    await expect(store.append(segmentsOf(run, 1, 2))).rejects.toMatchObject({ code: "storage_unavailable" });
    await expect(store.append(segmentsOf(run, 1, 2))).rejects.toThrow(folder.path);
    expect(await store.position(run)).toEqual({ [writer]: 1 });
    flush.mockRestore();
    await store.append(segmentsOf(run, 1, 2));
    expect(await textsOf(folder.openStore().segments(run))).toEqual(segmentsOf(run, 0, 2).map(textOf));
  });

  it("for want of room say storage_full, leave no heap of empty files, and go on when there is room", async () => {
    const store = folder.openStore();
    await store.append(segmentsOf(run, 0, 1));
    const full = vi.spyOn(await handlePrototype(folder), "write").mockRejectedValue(errno("ENOSPC"));
    for (let times = 0; times < 5; times++) {
      await expect(store.append(segmentsOf(run, 1, 2))).rejects.toMatchObject({ code: "storage_full" });
    }
    expect(full).toHaveBeenCalledTimes(5);
    full.mockRestore();
    expect(folder.journalFiles()).toEqual([`${writer}.0.jsonl`]);
    await store.append(segmentsOf(run, 1, 2));
    expect(await textsOf(folder.openStore().segments(run))).toEqual(segmentsOf(run, 0, 2).map(textOf));
  });

  it("of one writer leave the others of the call alone", async () => {
    const store = folder.openStore();
    await store.append([...segmentsOf(run, 0, 1), ...segmentsOf(run, 0, 1, 1)]);
    const prototype = await handlePrototype(folder);
    const write = prototype.write as (...given: unknown[]) => Promise<unknown>;
    vi.spyOn(prototype, "write").mockImplementation(function (this: FileHandle, ...given: unknown[]) {
      const text = new TextDecoder().decode(given[0] as Uint8Array);
      return text.includes(writerOf(1)) ? Promise.reject(errno("ENOSPC")) : write.call(this, ...given);
    } as never);
    const calls = [store.append(segmentsOf(run, 1, 2)), store.append(segmentsOf(run, 1, 2, 1))];
    expect((await Promise.allSettled(calls)).map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(await store.position(run)).toEqual({ [writer]: 2, [writerOf(1)]: 1 });
  });
});

it("a store that is closed has settled what it was asked to append", async () => {
  const store = folder.openStore();
  let settled = 0;
  for (const segment of segmentsOf(run, 0, 5)) void store.append([segment]).then(() => settled++);
  await store.close();
  expect(settled).toBe(5);
});

describe("a folder", () => {
  it("is resolved when the store is made, and reading makes none", async () => {
    const store = folder.openStore(join(folder.path, "deep", "er"));
    expect(store.location).toBe(join(folder.path, "deep", "er"));
    expect(filesystemStore().location).toBe(join(process.cwd(), ".run_log_store"));
    expect(await listOf(store.runs())).toEqual([]);
    expect(await store.position(run)).toEqual({});
    expect(store.has?.(run)).toBe(false);
    expect(existsSync(join(folder.path, "deep"))).toBe(false);
    await store.append(segmentsOf(run, 0, 1));
    expect(existsSync(join(folder.path, "deep", "er", ".journal", run))).toBe(true);
  });

  it("that is a file says so, with its path and what to do", async () => {
    const path = join(folder.path, "file");
    writeFileSync(path, "mine");
    for (const at of [path, join(path, "under")]) {
      const store = folder.openStore(at);
      const wanted = {
        code: "storage_unavailable",
        message: expect.stringMatching(/file'?.*another folder/),
      };
      await expect(store.append(segmentsOf(run, 0, 1))).rejects.toMatchObject(wanted);
      await expect(store.id()).rejects.toMatchObject(wanted);
      await expect(listOf(store.runs())).rejects.toMatchObject(wanted);
      expect(() => store.appendSync?.(segmentsOf(run, 0, 1))).toThrow(/another folder/);
    }
    expect(readFileSync(path, "utf8")).toBe("mine");
  });

  it.skipIf(process.getuid === undefined)(
    "that may not be written says so, with its path and what to do",
    async () => {
      chmodSync(folder.path, 0o555);
      const store = folder.openStore();
      const asNobody = process.getuid?.() === 0;
      if (asNobody) process.seteuid?.(65_534); // root may write everywhere
      try {
        const wanted = {
          code: "storage_unavailable",
          message: expect.stringMatching(/runlog-fs-.*make it writable/),
        };
        await expect(store.append(segmentsOf(run, 0, 1))).rejects.toMatchObject(wanted);
        await expect(store.id()).rejects.toMatchObject(wanted);
        expect(() => store.appendSync?.(segmentsOf(run, 0, 1))).toThrow(/make it writable/);
        expect(await store.position(run)).toEqual({});
      } finally {
        if (asNobody) process.seteuid?.(0);
        chmodSync(folder.path, 0o755);
      }
    },
  );

  it("that vanishes under a writer tells what is missing, and takes it again", async () => {
    const store = folder.openStore();
    await store.append(segmentsOf(run, 0, 3));
    rmSync(folder.path, { recursive: true });
    await expect(store.append(segmentsOf(run, 3, 4))).rejects.toMatchObject({
      code: "segment_gap",
      next: {},
    });
    await store.append(segmentsOf(run, 0, 4));
    expect(await textsOf(folder.openStore().segments(run))).toEqual(segmentsOf(run, 0, 4).map(textOf));
  });

  it("whose file was deleted during a write is noticed before the write counts", async () => {
    const store = folder.openStore();
    await store.append(segmentsOf(run, 0, 1));
    const prototype = await handlePrototype(folder);
    const write = prototype.write as (...given: unknown[]) => Promise<unknown>;
    vi.spyOn(prototype, "write").mockImplementationOnce(function (this: FileHandle, ...given: unknown[]) {
      rmSync(folder.journal(`${writer}.0.jsonl`));
      return write.call(this, ...given);
    } as never);
    await expect(store.append(segmentsOf(run, 1, 2))).rejects.toMatchObject({ code: "segment_gap" });
  });

  it("whose run was deleted by another process refuses its writers", async () => {
    const store = folder.openStore();
    await store.append(segmentsOf(run, 0, 1));
    await folder.openStore().delete(run);
    await expect(store.append(segmentsOf(run, 1, 2))).rejects.toMatchObject({ code: "run_deleted" });
    expect(readdirSync(folder.journal())).toEqual(["deleted"]);
    expect(existsSync(join(folder.path, `${run}.json`))).toBe(false);
  });

  it("that shrank is read anew", async () => {
    const store = folder.openStore();
    folder.writeJournal(`${writer}.0.jsonl`, linesOf(segmentsOf(run, 0, 4)));
    expect(await store.position(run)).toEqual({ [writer]: 4 });
    truncateSync(folder.journal(`${writer}.0.jsonl`), linesOf(segmentsOf(run, 0, 2)).length);
    expect(await store.position(run)).toEqual({ [writer]: 2 });
  });

  it("whose lines moved to the next file while it is read gives all of them, and no damage", async () => {
    const other = writerOf(1);
    folder.writeJournal(`${writer}.0.jsonl`, linesOf(segmentsOf(run, 0, 1)));
    folder.writeJournal(`${other}.0.jsonl`, linesOf(segmentsOf(run, 0, 3, 1)));
    const wanted = [...segmentsOf(run, 0, 1), ...segmentsOf(run, 0, 3, 1)].map(textOf);
    for (const left of [1, 0]) {
      const reading = folder.openStore().segments(run)[Symbol.asyncIterator]();
      const found = [textOf((await reading.next()).value)];
      // As its writer does after a flush that failed.
      if (left === 0) rmSync(folder.journal(`${other}.0.jsonl`));
      else truncateSync(folder.journal(`${other}.0.jsonl`), linesOf(segmentsOf(run, 0, left, 1)).length);
      folder.writeJournal(`${other}.${2 - left}.jsonl`, linesOf(segmentsOf(run, left, 3, 1)));
      for (let next = await reading.next(); !next.done; next = await reading.next())
        found.push(textOf(next.value));
      expect(found).toEqual(wanted);
    }
  });

  it("gets one id, though several instances open it at once", async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, () => folder.openStore().id()));
    expect(new Set(ids).size).toBe(1);
    expect(readdirSync(join(folder.path, ".journal"))).toEqual([".store.json"]);
  });

  it("holds runs named as its own files are", async () => {
    const store = folder.openStore();
    await store.id();
    for (const odd of ["store.json", "x", "x.json", "deleted"]) await store.append(segmentsOf(odd, 0, 1));
    expect((await listOf(store.runs())).map((summary) => summary.run).sort()).toEqual([
      "deleted",
      "store.json",
      "x",
      "x.json",
    ]);
  });
});
