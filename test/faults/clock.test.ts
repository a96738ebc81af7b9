import { setTimeout as wait } from "node:timers/promises";
import { openStore, runLogStore } from "runlog";
import { type Serving, serve } from "runlog/server";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { filesystemStore } from "../../src/stores/filesystem/index.ts";
import { cli } from "../cli/cli.ts";
import { freePort } from "../env/process.ts";
import { startScript, temporaryFolder } from "./child.ts";
import { count } from "./count.ts";
import { age, linesOf } from "./kept.ts";
import { randomFrom } from "./random.ts";
import { type KillableServer, startServer } from "./server.ts";

/** Wall clocks that jump by years, and processes that sleep: the clock is data, and never decides what is lost or sent. */

const seed = Number(process.env["RUNLOG_SEED"] ?? Date.now() % 1_000_000);
const random = randomFrom(seed);
let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

describe("a wall clock that jumps", () => {
  let kept: ReturnType<typeof filesystemStore>;
  let server: Serving;
  beforeEach(async () => {
    kept = filesystemStore(folder.path("server"));
    server = await serve({ store: kept, port: 0 });
  });
  afterEach(async () => {
    await server?.close();
    await kept?.close();
  });
  const env = (): Record<string, string> => ({
    RUNLOG_STORE: folder.path("store"),
    RUNLOG_SERVER: server.url,
  });

  it.each([
    ["ten years on and back", "0,10,0"],
    ["ten years back and on", "0,-10,0"],
    ["to and fro", "10,-10,10,-10,0"],
  ])("%s: each observation once and in order, times that grow, delivered by itself", async (_, years) => {
    const ended = await startScript("clock", { args: ["jumps", years], env: env() }).ended;
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    const here = openStore(folder.path("store"));
    const steps = years.split(",").length * 30;
    const each = Array.from({ length: steps }, (_, step) => step);
    const loss = await here.rows("jumps", { key: "loss" });
    expect(loss.map(({ step }) => step)).toEqual(each);
    const twice = await here.rows("jumps", { key: "unstepped" });
    expect(twice.map(({ value }) => value)).toEqual(each.flatMap((step) => [step, -step]));
    expect(new Set(twice.map(({ step, time }) => `${step} ${time}`)).size).toBe(2 * steps);
    for (const rows of [loss, twice])
      expect(rows.map(({ time }) => time)).toEqual(
        rows.map(({ time }) => time).sort((one, other) => one - other),
      );
    expect((await here.runLog("jumps")).status).toBe("SUCCESS");
    expect(await linesOf(runLogStore(server.url), "jumps")).toEqual(await linesOf(here, "jumps"));
  });

  it.each(["10", "-10"])("a run killed under a clock %s years off is closed and delivered", async (years) => {
    let saved = -1;
    const script = startScript("clock", {
      args: ["killed", years, "stay"],
      env: env(),
      told: (line) => {
        saved = Number(line.split(" ")[1]);
      },
    });
    await expect.poll(() => saved, { timeout: 20_000 }).toBe(29);
    script.child.kill("SIGKILL");
    await script.ended;
    // As the system's own clock would have left it.
    await age(folder.path("store"), -Number(years) * 365 * 86_400);
    expect(await cli(["sync", "--store", folder.path("store")])).toMatchObject({ code: 0, stderr: "" });
    const here = openStore(folder.path("store"));
    expect((await here.runLog("killed")).status).toBe("FAIL");
    expect((await here.rows("killed", { key: "loss" })).length).toBe(30);
    expect(await linesOf(runLogStore(server.url), "killed")).toEqual(await linesOf(here, "killed"));
  });
});

describe("sleep", () => {
  let server: KillableServer;
  beforeEach(async () => {
    process.stderr.write(`sleep: RUNLOG_SEED=${seed}\n`);
    server = await startServer(folder.path("server"), await freePort());
  });
  afterEach(() => server?.kill());

  it.each(Array.from({ length: count({ ci: 1, long: 5 }) }, (_, round) => round))(
    "a writer and its server that sleep at any time lose and double nothing (%i)",
    async (round) => {
      const store = folder.path("store");
      const run = `sleeps-${round}`;
      const env = { RUNLOG_STORE: store, RUNLOG_SERVER: server.url };
      const script = startScript("clock", { args: [run, "0,0,0,0,0,0,0,0,0,0"], env });
      const pids = [script.child.pid as number, -server.pid];
      let awake = true;
      void script.ended.then(() => {
        awake = false;
      });
      for (let nap = 0; nap < 6 && awake; nap++) {
        await wait(100 + random() * 400);
        const pid = pids[Math.floor(random() * 2)] as number;
        if (!awake) break;
        process.kill(pid, "SIGSTOP");
        await wait(300 + random() * 1_500);
        process.kill(pid, "SIGCONT");
      }
      expect(await script.ended).toMatchObject({ code: 0, stderr: "" });
      const here = openStore(store);
      const rows = await here.rows(run, { key: "loss" });
      expect(rows.map(({ step }) => step)).toEqual(Array.from({ length: 300 }, (_, step) => step));
      expect((await here.runLog(run)).status).toBe("SUCCESS");
      expect(await linesOf(runLogStore(server.url), run)).toEqual(await linesOf(here, run));
    },
    120_000,
  );
});
