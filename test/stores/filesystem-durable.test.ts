import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { LedgerEntry } from "../../src/stores/store.ts";
import { segmentsOf, textOf, textsOf } from "../contract/segments.ts";
import { watchDisk } from "./disk-calls.ts";
import { errno, folderForEachTest, linesOf, run, writer } from "./folder.ts";

/** What is said to be kept outlives a power cut: bytes are flushed, and so is the name of each file and folder. */

const folder = folderForEachTest();
const entry: LedgerEntry = { url: "http://a", position: {}, delivered: 0, setAside: 0, state: {} };
const idFile = "new/.journal/.store.json";
/** What becomes it. */
const made = `${idFile}.tmp`;
const file = `new/.journal/${run}/${writer}`;

describe("durable when it resolves", () => {
  it("is a first append: each new folder in the one above, the file's name, then its bytes", async () => {
    const { done } = await watchDisk(folder.path);
    const store = folder.openStore(join(folder.path, "new"));
    await store.append(segmentsOf(run, 0, 2));
    expect(flushes(done)).toEqual([
      "sync .",
      "sync new",
      "sync new/.journal",
      `sync new/.journal/${run}`,
      `write ${file}.0.jsonl`,
      `datasync ${file}.0.jsonl`,
    ]);
  });

  it("is a further append: its bytes alone", async () => {
    const { done } = await watchDisk(folder.path);
    const store = folder.openStore(join(folder.path, "new"));
    await store.append(segmentsOf(run, 0, 1));
    done.length = 0;
    await store.append(segmentsOf(run, 1, 2));
    expect(flushes(done)).toEqual([`write ${file}.0.jsonl`, `datasync ${file}.0.jsonl`]);
  });

  it("is the exit hook's append, when it returns", async () => {
    const { done } = await watchDisk(folder.path);
    const store = folder.openStore(join(folder.path, "new"));
    store.appendSync?.(segmentsOf(run, 0, 2));
    expect(flushes(done)).toEqual([
      "sync .",
      "sync new",
      "sync new/.journal",
      `write ${file}.0.jsonl`,
      `datasync ${file}.0.jsonl`,
      `sync new/.journal/${run}`,
    ]);
    done.length = 0;
    store.appendSync?.(segmentsOf(run, 0, 2));
    expect(flushes(done)).toEqual([]);
  });

  it("is a segment that a killed process left, with its file's name", async () => {
    folder.writeJournal(`${writer}.0.jsonl`, linesOf(segmentsOf(run, 0, 2)));
    const { done } = await watchDisk(folder.path);
    await folder.openStore().append(segmentsOf(run, 0, 2));
    expect(flushes(done)).toEqual([
      `datasync .journal/${run}/${writer}.0.jsonl`,
      "sync .",
      "sync .journal",
      `sync .journal/${run}`,
    ]);
  });

  it("is a change of the ledger: flushed before it takes the old one's place, whose name is flushed then", async () => {
    const { ledger } = folder.openStore();
    await ledger.write(run, "mlflow-0", entry);
    const { done } = await watchDisk(folder.path);
    await ledger.write(run, "mlflow-0", { ...entry, delivered: 1 });
    const path = `.journal/${run}/ledger/mlflow-0.json`;
    expect(flushes(done)).toEqual([
      `write ${path}.tmp`,
      `sync ${path}.tmp`,
      `rename ${path}.tmp ${path}`,
      `sync .journal/${run}/ledger`,
    ]);
  });

  it("is a deletion: its mark is there before anything goes", async () => {
    const store = folder.openStore();
    await store.append(segmentsOf(run, 0, 1));
    const { done } = await watchDisk(folder.path);
    await store.delete(run);
    const path = `.journal/${run}`;
    expect(flushes(done)).toEqual([
      `sync ${path}/deleted.tmp`,
      `rename ${path}/deleted.tmp ${path}/deleted`,
      `sync ${path}`,
      `rm ${run}.json`,
      `rm ${path}/${writer}.0.jsonl`,
      `sync ${path}`,
      "sync .",
    ]);
  });

  it.each([false, true])("is a store's id (asked for without waiting: %s)", async (sync) => {
    const { done } = await watchDisk(folder.path);
    const store = folder.openStore(join(folder.path, "new"));
    const id = sync ? store.idSync?.() : await store.id();
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(flushes(done)).toEqual([
      "sync .",
      "sync new",
      `write ${made}.tmp`,
      `${sync ? "datasync" : "sync"} ${made}.tmp`,
      `rename ${made}.tmp ${made}`,
      "sync new/.journal",
      `link ${made} ${idFile}`,
      `rm ${made}`,
      "sync new/.journal",
    ]);
    done.length = 0;
    expect(sync ? await store.id() : store.idSync?.()).toBe(id);
    expect(sync ? store.idSync?.() : await store.id()).toBe(id);
    expect(flushes(done)).toEqual([]);
  });
});

it("no handle stays open once the store is closed", async () => {
  const { done } = await watchDisk(folder.path);
  const store = folder.openStore();
  await store.append([...segmentsOf(run, 0, 2), ...segmentsOf(run, 0, 1, 1)]);
  store.appendSync?.(segmentsOf(run, 2, 3));
  await textsOf(folder.openStore().segments(run));
  await store.ledger.write(run, "mlflow-0", entry);
  await store.id();
  await store.close();
  const paths = (kind: string): string[] =>
    done.filter((call) => call.startsWith(kind)).map((call) => call.slice(kind.length));
  expect(paths("close ").sort()).toEqual(paths("open ").sort());
});

describe("what fails on the way", () => {
  it("in the flush of a new file's name leaves no file in use, and no handle", async () => {
    const store = folder.openStore();
    const { done, fail } = await watchDisk(folder.path);
    mkdirSync(folder.journal(), { recursive: true });
    fail(`sync .journal/${run}`, errno("ENOSPC"));
    await expect(store.append(segmentsOf(run, 0, 1))).rejects.toMatchObject({ code: "storage_full" });
    await store.append(segmentsOf(run, 0, 1));
    expect(done.filter((call) => call.startsWith("open ") && call.endsWith(".jsonl"))).toEqual([
      `open .journal/${run}/${writer}.0.jsonl`,
      `open .journal/${run}/${writer}.0.jsonl`,
    ]);
    expect(done).toContain(`rm .journal/${run}/${writer}.0.jsonl`);
    expect(done).toContain(`close .journal/${run}/${writer}.0.jsonl`);
    expect(await textsOf(folder.openStore().segments(run))).toEqual(segmentsOf(run, 0, 1).map(textOf));
  });

  it("in the flush of what a killed process left is told, and tried again", async () => {
    folder.writeJournal(`${writer}.0.jsonl`, linesOf(segmentsOf(run, 0, 2)));
    const store = folder.openStore();
    const { fail } = await watchDisk(folder.path);
    fail(`datasync .journal/${run}/${writer}.0.jsonl`, errno("EIO"));
    await expect(store.append(segmentsOf(run, 0, 2))).rejects.toMatchObject({ code: "storage_unavailable" });
    await store.append(segmentsOf(run, 0, 2));
    fail(`datasync .journal/${run}/${writer}.0.jsonl`, errno("EIO"));
    await store.append(segmentsOf(run, 0, 2));
  });

  it.each(["write", "sync", "rename"])(
    "in the %s of a ledger keeps the old one, and no litter",
    async (step) => {
      const { ledger } = folder.openStore();
      await ledger.write(run, "mlflow-0", entry);
      const path = `.journal/${run}/ledger/mlflow-0.json`;
      const { done, fail } = await watchDisk(folder.path);
      fail(step === "rename" ? `rename ${path}.tmp ${path}` : `${step} ${path}.tmp`, errno("EIO"));
      const changed = ledger.write(run, "mlflow-0", { ...entry, delivered: 1 });
      await expect(changed).rejects.toMatchObject({ code: "storage_unavailable" });
      expect(done.at(-1)).toBe(`rm ${path}.tmp`);
      expect(await ledger.read(run, "mlflow-0")).toEqual(entry);
    },
  );

  it.each([false, true])(
    "in a link of the store's id is made up for by a rename (sync: %s)",
    async (sync) => {
      const { done, fail } = await watchDisk(folder.path);
      const store = folder.openStore(join(folder.path, "new"));
      // File systems without links.
      fail(`link ${made} ${idFile}`, errno("EPERM"));
      const id = sync ? store.idSync?.() : await store.id();
      expect(done).toContain(`rename ${made} ${idFile}`);
      expect(readFileSync(join(folder.path, idFile), "utf8")).toBe(`{"id":"${id}"}\n`);
    },
  );

  it("in a link for another reason is told, and leaves no litter; who can wait tries once more", async () => {
    const { done, fail } = await watchDisk(folder.path);
    const store = folder.openStore(join(folder.path, "new"));
    fail(`link ${made} ${idFile}`, errno("EIO"));
    expect(() => store.idSync?.()).toThrow(expect.objectContaining({ code: "storage_unavailable" }));
    expect(done.at(-1)).toBe(`rm ${made}`);
    expect(readdirSync(join(folder.path, "new", ".journal"))).toEqual([]);
    fail(`link ${made} ${idFile}`, errno("EIO"));
    expect(await store.id()).toMatch(/^[0-9a-f]{32}$/);
  });

  it("a store's id that is damaged is told with its path, and another is not made", async () => {
    mkdirSync(join(folder.path, ".journal"));
    const path = join(folder.path, ".journal", ".store.json");
    writeFileSync(path, "{}");
    const store = folder.openStore();
    await expect(store.id()).rejects.toThrow(/store\.json' holds no store id; remove that file/);
    expect(() => store.idSync?.()).toThrow(/store\.json' holds no store id; remove that file/);
    expect(readFileSync(path, "utf8")).toBe("{}");
  });
});

/** The calls that make something durable, or take it away, without the folders above. */
function flushes(done: readonly string[]): string[] {
  return done.filter((call) => /^(write|sync|datasync|rename|link|rm) (?!\.\.)/.test(call));
}
