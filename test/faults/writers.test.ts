import { openStore, runLogStore, startRun } from "runlog";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cli } from "../cli/cli.ts";
import { freePort } from "../env/process.ts";
import { type Script, startScript, temporaryFolder } from "./child.ts";
import { count } from "./count.ts";
import { age, linesOf, stepsOf } from "./kept.ts";
import { gate } from "./pages/gate.ts";
import { listen, type Site } from "./pages/sites.ts";
import { randomFrom } from "./random.ts";
import { type KillableServer, startServer } from "./server.ts";

/** Many processes that write one run in one folder, and deliver it to a real server, one of them at a time. */

const seed = Number(process.env["RUNLOG_SEED"] ?? Date.now() % 1_000_000);
const random = randomFrom(seed);

describe("many writers of one run", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let server: KillableServer;
  let wire: Site;
  let url: string;
  let together: number;
  let most: number;

  beforeEach(async () => {
    process.stderr.write(`many writers: RUNLOG_SEED=${seed}\n`);
    folder = temporaryFolder();
    server = await startServer(folder.path("server"), await freePort());
    [together, most] = [0, 0];
    const pass = gate(server.url, () => undefined);
    wire = await listen((request, response) => {
      if (request.method === "POST") {
        together += 1;
        most = Math.max(most, together);
        response.once("close", () => {
          together -= 1;
        });
      }
      pass(request, response);
    });
    url = `http://127.0.0.1:${wire.port}`;
  });
  afterEach(async () => {
    await wire?.close();
    await server?.kill();
    folder.remove();
  });

  const store = (): string => folder.path("store");
  const begin = (runId: string): ReturnType<typeof startRun> =>
    startRun({ runId, store: store(), syncTo: [runLogStore(url)], quiet: true });
  const write = (runId: string, key: string, told: (step: number) => void, steps?: number): Script =>
    startScript("writes", {
      args: [runId, key, ...(steps === undefined ? [] : [String(steps)])],
      env: { RUNLOG_STORE: store(), RUNLOG_SERVER: url },
      told: (line) => told(Number(line.split(" ")[1])),
    });
  const expectEqual = async (runId: string): Promise<void> => {
    const lines = await linesOf(openStore(store()), runId);
    expect(await linesOf(runLogStore(server.url), runId)).toEqual(lines);
  };

  it("8 processes x 10,000 observations: each once, here and there, one courier at a time", async () => {
    for (let round = 0; round < count({ ci: 1, long: 10 }); round++) {
      const runId = `eight-${round}`;
      const run = begin(runId);
      await run.flush();
      const keys = Array.from({ length: 8 }, (_, index) => `w${index}`);
      const ended = await Promise.all(keys.map((key) => write(runId, key, () => {}, 10_000).ended));
      for (const { code, stderr } of ended) expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      await run.finish(undefined, { timeout: 120_000 });
      const steps = await stepsOf(openStore(store()), runId);
      const all = Array.from({ length: 10_000 }, (_, step) => step);
      for (const key of keys) expect(steps[key], key).toEqual(all);
      await expectEqual(runId);
    }
    expect(most).toBe(1);
  }, 1_200_000);

  it("4 that are killed at any time, the courier among them: nothing acknowledged is lost or doubled", async () => {
    const runId = "killed";
    const run = begin(runId);
    await run.flush();
    const acknowledged = new Map<string, number>();
    const alive: Script[] = [];
    let made = 0;
    const another = (): void => {
      const key = `w${made++}`;
      acknowledged.set(key, -1);
      alive.push(write(runId, key, (step) => acknowledged.set(key, step)));
    };
    for (let index = 0; index < 4; index++) another();
    for (let kill = 0; kill < count({ ci: 20, long: 300 }); kill++) {
      await new Promise((resolve) => setTimeout(resolve, 100 + random() * 900));
      const [victim] = alive.splice(Math.floor(random() * alive.length), 1) as [Script];
      victim.child.kill("SIGKILL");
      await victim.ended;
      another();
    }
    for (const { child, ended } of alive) {
      child.kill("SIGKILL");
      await ended;
    }
    expect([...acknowledged.values()].filter((step) => step >= 0).length).toBeGreaterThan(3);
    await age(store());
    await run.finish(undefined, { timeout: 60_000 });
    expect(await cli(["sync", "--store", store()])).toMatchObject({ code: 0, stderr: "" });
    const steps = await stepsOf(openStore(store()), runId);
    for (const [key, last] of acknowledged) {
      const found = steps[key] ?? [];
      expect(found, key).toEqual(found.map((_, step) => step));
      expect(found.length, key).toBeGreaterThanOrEqual(last + 1);
    }
    await expectEqual(runId);
  }, 1_200_000);
});
