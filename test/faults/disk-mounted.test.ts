import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { openStore, type RunReport, startRun } from "runlog";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { replaceFile, replaceFileSync } from "../../src/stores/filesystem/durable.ts";
import { filesystemStore } from "../../src/stores/filesystem/index.ts";
import { segmentsOf, textOf, textsOf, writerOf } from "../contract/segments.ts";
import { needs } from "../env/find.ts";
import { runScript, startScript, temporaryFolder } from "./child.ts";
import { stepsOf } from "./kept.ts";
import { type Mounted, mountTmpfs } from "./mounted.ts";

/** Disks of the system itself that are full or read-only, and processes that may open no more files. */

type Replace = (path: string, text: string) => Promise<void>;
// It brings no types.
const writeFileAtomic = createRequire(import.meta.url)("write-file-atomic") as Replace & {
  sync(path: string, text: string): void;
};

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

describe.skipIf(!needs("tmpfs"))("a disk", () => {
  let disk: Mounted;
  beforeEach(async () => {
    disk = await mountTmpfs(folder.path("disk"), "256k");
  });
  afterEach(() => disk?.remove());

  it("that becomes full refuses and says so, keeps what it has, and takes all that waits once there is room", async () => {
    const filler = join(disk.path, "filler");
    writeFileSync(filler, Buffer.alloc(100_000));
    const store = join(disk.path, "store");
    let saved = -1;
    let end = -1;
    let report: RunReport | undefined;
    const { child, ended } = startScript("fills", {
      args: ["filling"],
      env: { RUNLOG_STORE: store },
      told(line) {
        const [what, rest = ""] = line.split(/ (.*)/s);
        if (what === "flushed") saved = Number(rest);
        if (what === "room") end = Number(rest);
        if (what === "full") {
          report = JSON.parse(rest) as RunReport;
          child.kill("SIGSTOP");
          full.resolve();
        }
      },
    });
    const full = Promise.withResolvers<void>();
    await Promise.race([full.promise, ended]);
    expect(report).toMatchObject({ storage: "full", problem: { code: "storage_full" } });
    expect(report?.problem?.message).toContain(`the disk of '${store}' is full`);
    expect(report?.problem?.action).toContain("free some space");
    expect(saved).toBeGreaterThan(20);
    // What it said to keep is there while the disk is full, and no torn remains of the rest.
    const { loss = [] } = await stepsOf(openStore(store), "filling");
    expect(loss).toEqual(Array.from({ length: saved + 1 }, (_, step) => step));
    rmSync(filler);
    child.kill("SIGCONT");
    expect((await ended).stderr).toBe("");
    const after = await stepsOf(openStore(store), "filling");
    expect(end).toBeGreaterThan(saved);
    expect(after["loss"]).toEqual(Array.from({ length: end + 1 }, (_, step) => step));
    expect(after["note"]).toEqual(after["loss"]);
    expect((await openStore(store).runLog("filling")).status).toBe("SUCCESS");
  }, 60_000);

  /** A good file on a disk with too little room for another one: what a replacing makes of it. */
  const replacing = async (
    replace: (path: string, text: string) => Promise<void> | void,
  ): Promise<{ error: unknown; length: number; names: string[] }> => {
    const path = join(disk.path, "good.json");
    writeFileSync(path, "a".repeat(60_000));
    const { bavail, bsize } = statfsSync(disk.path);
    writeFileSync(join(disk.path, "filler"), Buffer.alloc((bavail - 9) * bsize));
    const error = await (async () => replace(path, "b".repeat(60_000)))().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return { error, length: readFileSync(path).length, names: readdirSync(disk.path).sort() };
  };

  it.each([
    ["replaceFile", (path: string, text: string) => replaceFile(path, text, path)],
    ["replaceFileSync", (path: string, text: string) => replaceFileSync(path, text, path)],
  ])("that has not enough room keeps the good file (%s)", async (_, replace) => {
    const { error, length, names } = await replacing(replace);
    expect(error).toMatchObject({ code: "ENOSPC" });
    expect(length).toBe(60_000);
    expect(names).toEqual(["filler", "good.json"]);
  });

  it.each([
    ["promise", (path: string, text: string) => writeFileAtomic(path, text)],
    ["sync", (path: string, text: string) => writeFileAtomic.sync(path, text)],
  ])(
    "so checked, a replacing that trusts one write destroys it (write-file-atomic, %s)",
    async (_, replace) => {
      const { error, length } = await replacing(replace);
      expect(error).toBeUndefined();
      expect(length).toBeLessThan(60_000);
    },
  );

  it("that is mounted read-only under a run lets it wait, and takes all once it is writable", async () => {
    const store = filesystemStore(disk.path);
    const run = startRun({ runId: "read-only", store, syncTo: [], quiet: true });
    run.track({ loss: 0 }, { step: 0 });
    expect(await run.flush()).toBe("disk");
    // Frees the handle, which would hold the disk writable.
    await store.close();
    await disk.remount("ro");
    run.track({ loss: 1 }, { step: 1 });
    expect(await run.flush()).toBe("memory");
    expect(run.report()).toMatchObject({ storage: "memory", problem: { code: "storage_memory" } });
    expect(run.report().problem?.message).toMatch(/EROFS.*make it writable, or name another folder/);
    expect(await stepsOf(openStore(disk.path), "read-only")).toEqual({ loss: [0] });
    await disk.remount("rw");
    expect(await run.flush()).toBe("disk");
    expect(await run.finish()).toMatchObject({ storage: "disk" });
    expect(await stepsOf(openStore(disk.path), "read-only")).toEqual({ loss: [0, 1] });
  });
});

it.skipIf(process.platform === "win32")(
  "a process that may open no more files keeps the run in memory, says why, and then writes all of it",
  async () => {
    const script = new URL("./scripts/no-files.ts", import.meta.url).pathname;
    const command = `ulimit -n 60; exec "${process.execPath}" --no-warnings "${script}"`;
    const store = folder.path("store");
    const ended = await runScript("no-files", {
      program: ["sh", "-c", command],
      env: { RUNLOG_STORE: store },
    });
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    const { said, reports } = JSON.parse(ended.stdout) as { said: string[]; reports: RunReport[] };
    expect(said).toEqual(["memory", "disk", "disk", "memory", "disk"]);
    expect(reports.map(({ storage }) => storage)).toEqual(["memory", "disk", "memory", "disk"]);
    for (const report of [reports[0], reports[2]]) {
      expect(report?.problem?.message).toContain("too many files are open: raise the limit (ulimit -n)");
    }
    expect(await stepsOf(openStore(store), "first")).toEqual({ loss: [1] });
    expect(await stepsOf(openStore(store), "later")).toEqual({ loss: [0, 1] });
  },
);

it("temporary files that a kill left behind are never data, and go once they are old and somebody writes there", async () => {
  const root = folder.path("store");
  const run = "some-run";
  const journal = join(root, ".journal", run);
  const [old, fresh] = ["000000000001", "000000000002"].map((mark) => `.${mark}.tmp`) as [string, string];
  mkdirSync(join(journal, "ledger"), { recursive: true });
  const line = Buffer.from(segmentsOf(run, 7, 8).map(textOf).join(""));
  const beside = [
    join(journal, "run-log"),
    join(journal, `${writerOf(0)}.0.jsonl`),
    join(journal, "ledger", "http-12345678.json"),
    join(root, ".journal", ".store.json"),
  ];
  for (const path of beside) {
    for (const ending of [old, fresh]) writeFileSync(path + ending, line);
    utimesSync(path + old, new Date(0), Date.now() / 1_000 - 2 * 3_600);
  }
  // In the folder of the user, and not of our making.
  const theirs = [join(root, `theirs${old}`), join(journal, "notes.tmp")];
  for (const path of theirs) {
    writeFileSync(path, "theirs");
    utimesSync(path, new Date(0), new Date(0));
  }
  const store = filesystemStore(root);
  expect(await store.position(run)).toEqual({});
  expect(await store.ledger.read(run, "http-12345678")).toBeUndefined();
  expect(beside.filter((path) => existsSync(path + old))).toEqual(beside);
  const entry = { url: "http://127.0.0.1:1", position: {}, delivered: 0, setAside: 0, state: {} };
  await store.append(segmentsOf(run, 0, 2));
  await store.ledger.write(run, "http-12345678", entry);
  await store.close();
  expect(beside.filter((path) => existsSync(path + old))).toEqual([]);
  expect(beside.filter((path) => existsSync(path + fresh))).toEqual(beside);
  expect(theirs.filter((path) => existsSync(path))).toEqual(theirs);
  expect(await textsOf(store.segments(run))).toEqual(segmentsOf(run, 0, 2).map(textOf));
});
