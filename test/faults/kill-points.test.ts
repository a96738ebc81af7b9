import { openStore, runLogStore } from "runlog";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cli } from "../cli/cli.ts";
import { needs, strace } from "../env/find.ts";
import { answering, freePort, start } from "../env/process.ts";
import { inParallel, startScript, temporaryFolder } from "./child.ts";
import { count } from "./count.ts";
import { age, linesOf, stepsOf } from "./kept.ts";
import { randomFrom } from "./random.ts";
import { type KillableServer, startServer } from "./server.ts";

/**
 * Processes that end by SIGKILL at their n-th write, flush or rename, by strace: what was acknowledged before is there
 * after it, once, here and on a server that is a process of its own.
 */

const seed = Number(process.env["RUNLOG_SEED"] ?? Date.now() % 1_000_000);
const random = randomFrom(seed);
const calls = ["pwrite64", "fdatasync", "fsync", "rename"] as const;

/** Where a process ends: at the n-th of these calls. */
interface Point {
  readonly call: (typeof calls)[number];
  readonly n: number;
}

function points(wanted: number, most: number): Point[] {
  return Array.from({ length: wanted }, (_, index) => ({
    call: calls[index % calls.length] as Point["call"],
    n: 1 + Math.floor(random() * most),
  }));
}

/** strace counts the calls of each thread: one thread makes all of them. */
const oneThread = { UV_THREADPOOL_SIZE: "1" };

/** The command line that ends what follows it at the point. */
function killedAt({ call, n }: Point): string[] {
  const trace = ["-e", `trace=${call}`, "-e", `inject=${call}:signal=KILL:when=${n}`];
  return [strace() as string, "-f", "-qq", "-o", "/dev/null", ...trace];
}

describe.skipIf(!needs("strace"))("a process killed at a system call", () => {
  const folder = temporaryFolder();
  const store = folder.path("client");
  let server: KillableServer;

  beforeAll(async () => {
    process.stderr.write(`kill points: RUNLOG_SEED=${seed}\n`);
    server = await startServer(folder.path("server"), await freePort());
  });
  afterAll(async () => {
    await server?.kill();
    folder.remove();
  });

  const script = new URL("./scripts/delivers.ts", import.meta.url).pathname;
  /** Runs the script until it ends; gives its last acknowledged step. */
  const run = async (name: string, url: string, before: readonly string[] = []): Promise<number> => {
    let flushed = -1;
    const { ended } = startScript("delivers", {
      program: [...before, process.execPath, "--no-warnings", script],
      args: [name],
      env: { RUNLOG_STORE: store, RUNLOG_SERVER: url, ...oneThread },
      told: (line) => {
        flushed = Number(line.split(" ")[1]);
      },
    });
    await ended;
    return flushed;
  };
  /** All that was acknowledged is here once, in order, and equal on the server after one `sync`. */
  const expectKept = async (acknowledged: ReadonlyMap<string, number>, url: string): Promise<void> => {
    await age(store);
    expect(await cli(["sync", "--store", store])).toMatchObject({ code: 0, stderr: "" });
    const [here, there] = [openStore(store), runLogStore(url)];
    for (const [name, last] of acknowledged) {
      const lines = await linesOf(here, name);
      expect(await linesOf(there, name), name).toEqual(lines);
      const { loss = [], note = [] } = await stepsOf(here, name);
      expect(loss, name).toEqual(loss.map((_, step) => step));
      expect(note).toEqual(loss);
      expect(loss.length, `${name} had acknowledged ${last}`).toBeGreaterThanOrEqual(last + 1);
    }
  };

  it("that tracks and delivers loses nothing acknowledged and doubles nothing", async () => {
    const acknowledged = new Map<string, number>();
    const all = points(count({ ci: 76, long: 800 }), 16).map((point, index) => ({ point, index }));
    await inParallel(all, 4, async ({ point, index }) => {
      const name = `${point.call}-${point.n}-${index}`;
      acknowledged.set(name, await run(name, server.url, killedAt(point)));
    });
    expect([...acknowledged.values()].filter((last) => last >= 0 && last < 199).length).toBeGreaterThan(20);
    await expectKept(acknowledged, server.url);
  }, 3_600_000);

  it("that serves loses nothing acknowledged and doubles nothing", async () => {
    const acknowledged = new Map<string, number>();
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const main = new URL("../../src/cli/main.ts", import.meta.url).pathname;
    const served = folder.path("killed-server");
    let deaths = 0;
    for (const [index, point] of points(count({ ci: 24, long: 200 }), 12).entries()) {
      const command = ["--no-warnings", main, "serve", "--store", served, "--port", String(port)];
      const [program = "", ...args] = [...killedAt(point), process.execPath, ...command];
      const dying = start({ command: program, args, env: oneThread });
      let dead = false;
      const end = dying.ended.then(() => {
        dead = true;
      });
      await Promise.race([answering(dying, `${url}/healthz`, 20_000).catch(() => "it died first"), end]);
      const name = `served-${point.call}-${point.n}-${index}`;
      acknowledged.set(name, await run(name, url));
      if (dead) deaths += 1;
      await dying.kill();
    }
    expect(deaths).toBeGreaterThan(5);
    const alive = await startServer(served, port);
    try {
      await expectKept(acknowledged, url);
    } finally {
      await alive.kill();
    }
  }, 3_600_000);
});
