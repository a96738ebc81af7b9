import { openStore, runLogStore, startRun } from "runlog";
import { type Serving, serve } from "runlog/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { filesystemStore } from "../../src/stores/filesystem/index.ts";
import { cli } from "../cli/cli.ts";
import { inParallel, startScript, temporaryFolder } from "./child.ts";
import { age, linesOf, stepsOf } from "./kept.ts";
import { randomFrom } from "./random.ts";

/** What the parent heard over the pipe from one script before it was killed. */
interface Heard {
  readonly run: string;
  /** Steps in their order, with their time. */
  readonly tracked: { readonly step: number; readonly at: number }[];
  flushed: number;
  killedAt: number;
}

const seed = Number(process.env.RUNLOG_SEED ?? Date.now() % 1_000_000);
const random = randomFrom(seed);
const folder = temporaryFolder();
const kept = filesystemStore(folder.path("server"));
let server: Serving;

beforeAll(async () => {
  process.stderr.write(`kill -9: RUNLOG_SEED=${seed}\n`);
  server = await serve({ store: kept, port: 0 });
});
afterAll(async () => {
  await server?.close();
  await kept.close();
  folder.remove();
});

/** Kills one script at a random moment and gives what it had said by then. */
async function killOne(run: string, store: string, mode: string, afterMillis: number): Promise<Heard> {
  const heard: Heard = { run, tracked: [], flushed: -1, killedAt: 0 };
  const begun = Promise.withResolvers<void>();
  const script = startScript("tracks", {
    args: [run, mode],
    env: { RUNLOG_STORE: store, RUNLOG_SERVER: server.url },
    told(line) {
      begun.resolve();
      const [word, step, at] = line.split(" ");
      if (word === "flushed") heard.flushed = Number(step);
      else heard.tracked.push({ step: Number(step), at: Number(at) });
    },
  });
  await Promise.race([begun.promise, script.ended]);
  await new Promise((resolve) => setTimeout(resolve, afterMillis));
  heard.killedAt = Date.now();
  script.child.kill("SIGKILL");
  expect(await script.ended).toMatchObject({ signal: "SIGKILL", stderr: "" });
  return heard;
}

/** Kills `count` scripts and checks what is there of each: in order, nothing twice, up to `least`. */
async function series(
  store: string,
  mode: string,
  count: number,
  longest: number,
  least: (heard: Heard) => number,
): Promise<Heard[]> {
  const all: Heard[] = [];
  const numbers = Array.from({ length: count }, (_, number) => ({ number, after: 20 + random() * longest }));
  await inParallel(numbers, 4, async ({ number, after }) => {
    const heard = await killOne(`${mode}-${number}`, store, mode, after);
    all.push(heard);
    const expected = least(heard);
    const steps = await stepsOf(openStore(store), heard.run);
    for (const key of ["loss", "note"]) {
      expect(steps[key] ?? []).toEqual(Array.from({ length: steps[key]?.length ?? 0 }, (_, step) => step));
      expect(steps[key]?.length ?? 0, `${heard.run} ${key}`).toBeGreaterThanOrEqual(expected + 1);
      expect(steps[key]?.length ?? 0).toBeLessThanOrEqual(heard.tracked.length);
    }
  });
  return all;
}

/** Every run of the store is FAIL with the words of a closer, and equal on the server, byte by byte. */
async function expectClosedAndDelivered(store: string, runs: readonly Heard[]): Promise<void> {
  const here = openStore(store);
  const there = runLogStore(server.url);
  for (const { run, tracked } of runs) {
    const lines = await linesOf(here, run);
    expect(await linesOf(there, run)).toEqual(lines);
    if (lines.length === 0) continue; // killed before its first second
    const { status, run_config } = await here.runLog(run);
    expect(status).toBe("FAIL");
    expect(run_config.runlog).toMatchObject({ message: expect.stringContaining("without finish()") });
    const steps = await stepsOf(openStore(store), run);
    expect(new Set(steps.loss).size).toBe(steps.loss?.length);
    expect(steps.loss?.length ?? 0).toBeLessThanOrEqual(tracked.length);
  }
}

describe("kill -9 of a process that tracks", () => {
  it("loses at most the last 1.5 s when it never flushes; the next start and sync deliver the rest", async () => {
    const store = folder.path("never-flushes");
    const before = (heard: Heard): number =>
      heard.tracked.findLast(({ at }) => at < heard.killedAt - 1_500)?.step ?? -1;
    const runs = await series(store, "never", 50, 3_500, before);
    expect(runs.filter((heard) => before(heard) >= 0).length).toBeGreaterThan(10);

    await age(store);
    const next = startRun({ store, syncTo: [runLogStore(server.url)], quiet: true, tag: "next" });
    await next.finish();
    expect((await cli(["sync", "--store", store])).code).toBe(0);
    await expectClosedAndDelivered(store, runs);
  }, 240_000);

  it("loses nothing that was flushed", async () => {
    const store = folder.path("flushes");
    const runs = await series(store, "flush", 50, 1_200, (heard) => heard.flushed);
    expect(runs.filter(({ flushed }) => flushed >= 0).length).toBeGreaterThan(30);

    await age(store);
    const synced = await cli(["sync", "--store", store]);
    expect(synced).toMatchObject({ code: 0, stderr: "" });
    await expectClosedAndDelivered(store, runs);
    expect(await cli(["sync", "--store", store])).toMatchObject({ code: 0, stdout: synced.stdout });
  }, 240_000);
});
