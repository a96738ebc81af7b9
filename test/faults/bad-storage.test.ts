import { appendFileSync, chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { memoryStore, openStore, type RunReport, resumeRun, runLogStore, startRun } from "runlog";
import { serve } from "runlog/server";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cli } from "../cli/cli.ts";
import { collect, runScript, temporaryFolder } from "./child.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

/** A run of 30 observations in three segments; gives its one journal file. */
async function threeSegments(runId: string, server?: string): Promise<string> {
  const syncTo = server === undefined ? [] : [runLogStore(server)];
  const run = startRun({ runId, store: folder.path("store"), syncTo, quiet: true });
  for (let step = 0; step < 30; step++) {
    run.track({ loss: step }, { step });
    if (step % 10 === 9) await run.flush();
  }
  await run.finish("SUCCESS", { timeout: 0 });
  const journal = folder.path("store", ".journal", runId);
  return join(journal, readdirSync(journal).find((name) => name.endsWith(".jsonl")) as string);
}

describe("a store folder", () => {
  it("that is missing is made, with those above it", async () => {
    const store = folder.path("a", "b", "store");
    const run = startRun({ store, syncTo: [], quiet: true });
    run.track({ loss: 1 });
    expect(await run.flush()).toBe("disk");
    await run.finish();
    expect((await openStore(store).runLog(run.id)).status).toBe("SUCCESS");
  });

  it("that is a file keeps the run in memory, says why and what to do, and still delivers", async () => {
    const file = folder.path("file");
    writeFileSync(file, "mine");
    const server = await serve({ store: memoryStore(), port: 0 });
    try {
      const run = startRun({ store: file, syncTo: [runLogStore(server.url)], quiet: true });
      run.track({ loss: 1 });
      expect(await run.flush()).toBe("memory");
      const report = await run.finish();
      expect(report).toMatchObject({ storage: "memory", problem: { code: "storage_memory" } });
      expect(report.problem?.message).toContain(file);
      expect(report.problem?.message).toContain("is a file: name another folder");
      expect(report.destinations[server.url]).toMatchObject({ state: "done", delivered: 1, pending: 0 });
      expect(readFileSync(file, "utf8")).toBe("mine");
    } finally {
      await server.close();
    }
  });

  it("that is a file does not change how a script ends", async () => {
    writeFileSync(folder.path("file"), "mine");
    const env = { RUNLOG_STORE: folder.path("file") };
    for (const [name, code] of [
      ["exit-0", 0],
      ["exit-3", 3],
      ["error", 1],
      ["thousand-in-one-tick", 0],
    ] as const) {
      expect((await runScript("ending", { args: [name], env })).code).toBe(code);
    }
  });

  it("that is read-only keeps the run in memory, and says so once", async () => {
    const store = folder.path("read-only");
    mkdirSync(store);
    chmodSync(folder.path(), 0o755);
    chmodSync(store, 0o555);
    // Root may write everywhere.
    const nobody = process.getuid?.() === 0 ? { uid: 65_534 } : {};
    const ended = await runScript("report", { env: { RUNLOG_STORE: store }, ...nobody });
    expect(ended.code).toBe(0);
    const said = JSON.parse(ended.stdout) as { flushed: string; report: RunReport };
    expect(said.flushed).toBe("memory");
    expect(said.report).toMatchObject({ storage: "memory", tracked: 1, problem: { code: "storage_memory" } });
    expect(said.report.problem?.message).toContain(`'${store}'`);
    expect(said.report.problem?.message).toContain("make it writable, or name another folder");
    expect(ended.stderr.trim().split("\n")).toEqual([expect.stringContaining("in memory only")]);
  });
});

describe("a damaged journal", () => {
  it("with a torn end reads up to it, goes on, and delivers what is whole", async () => {
    const server = await serve({ store: memoryStore(), port: 0 });
    try {
      const file = await threeSegments("torn", server.url);
      appendFileSync(file, '{"v":1,"run":"torn","writer":"');
      const again = await resumeRun({
        runId: "torn",
        store: folder.path("store"),
        syncTo: [runLogStore(server.url)],
        quiet: true,
      });
      again.track({ loss: 30 }, { step: 30 });
      const report = await again.finish();
      expect(report.destinations[server.url]).toMatchObject({ state: "done", delivered: 31, pending: 0 });
      const { step } = await openStore(folder.path("store")).series("torn", "loss");
      expect([...step]).toEqual(Array.from({ length: 31 }, (_, at) => at));
    } finally {
      await server.close();
    }
  });

  it("with a damaged middle loses that segment alone, shows the gap, and delivers the rest", async () => {
    // Not there while the run is tracked: what is delivered before the damage is not lost.
    const { url, close } = await serve({ store: memoryStore(), port: 0 });
    await close();
    const file = await threeSegments("damaged", url);
    const there = memoryStore();
    const server = await serve({ store: there, port: Number(new URL(url).port) });
    try {
      const lines = readFileSync(file, "utf8").split("\n");
      expect(lines.length).toBeGreaterThanOrEqual(4);
      const middle = lines.findIndex((line) => line.includes('"step":[10,'));
      lines[middle] = `${lines[middle]?.slice(0, 40)}#${lines[middle]?.slice(41)}`;
      writeFileSync(file, lines.join("\n"));
      const synced = await cli(["sync", "--store", folder.path("store")]);
      expect(synced.stderr).not.toContain("    at ");
      for (const store of [openStore(folder.path("store")), openStore(there)]) {
        const { step } = await store.series("damaged", "loss");
        const kept = Array.from({ length: 30 }, (_, at) => at).filter((at) => at < 10 || at >= 20);
        expect([...step]).toEqual(kept);
        const log = await store.runLog("damaged");
        expect(log.status).toBe("SUCCESS");
        expect(log.run_config.runlog).toHaveProperty("lost");
      }
      expect(await collect(runLogStore(server.url).segments("damaged"))).toHaveLength(lines.length - 1);
    } finally {
      await server.close();
    }
  });
});
