import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openStore } from "runlog";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Outcome } from "../browser/run-suites.ts";
import { collect, type Ended, inParallel, startScript, temporaryFolder } from "../faults/child.ts";
import { type Ending, endings } from "../faults/endings.ts";
import { silentServer } from "../faults/silent-server.ts";
import { installed } from "../package/installed.ts";
import { bundleForRuntime, bundleScript } from "./bundle.ts";
import { type RuntimeName, runtime } from "./runtimes.ts";

const deno = await runtime("deno");
const bun = await runtime("bun");
const permissions = ["--allow-read", "--allow-write", "--allow-env", "--allow-net"];
/** What starts a script in each. Node runs the threads too; its other tests are in test/package. */
const starts: Record<string, readonly string[] | undefined> = {
  node: [process.execPath],
  deno: deno === undefined ? undefined : [deno, "run", "--quiet", "--no-prompt", ...permissions],
  bun: bun === undefined ? undefined : [bun, "run"],
};

const folder = temporaryFolder();
let project: string;

beforeAll(async () => {
  project = await installed();
  for (const name of ["five-lines.mjs", "thread.mjs", "threads.mjs"])
    cpSync(fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url)), join(project, name));
}, 300_000);
afterAll(() => {
  folder.remove();
  if (project !== undefined) rmSync(project, { recursive: true, force: true });
});

/** Runs a script of the installed project to its end and reads what it printed. */
async function runInstalled(
  host: string,
  script: string,
  ...args: string[]
): Promise<Record<string, unknown>> {
  const program = [...(starts[host] ?? []), script];
  const { code, stdout, stderr } = await startScript(script, { program, args, cwd: project }).ended;
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}

const others = (["deno", "bun"] as const).filter((name: RuntimeName) => starts[name] !== undefined);

describe.each(others)("%s", (host) => {
  it("tracks, finishes and reads back with the installed package, and says where it ran", async () => {
    const seen = await runInstalled(host, "five-lines.mjs");
    expect(seen).toMatchObject({ status: "SUCCESS", last: 0.01, storage: "disk" });
    const lines = await (await openStore(join(project, ".run_log_store")).export(seen.run as string)).text();
    expect(lines).toMatch(new RegExp(`"host":\\{"name":"${host}","version":"\\d`));
  });

  it("keeps the client's and the store's promises", async () => {
    const script = folder.path(`${host}-suites.mjs`);
    const suites = ["client/filesystem.test.ts", "stores/filesystem.contract.test.ts"];
    await bundleForRuntime(
      suites.map((suite) => `test/${suite}`),
      script,
    );
    const { stdout, stderr } = await startScript(script, { program: [...(starts[host] ?? []), script] })
      .ended;
    expect(stdout, stderr).toMatch(/\S/);
    const outcome = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Outcome;
    expect(outcome.failed).toEqual([]);
    expect(outcome.passed).toBeGreaterThan(40);
  }, 120_000);

  // A script that ends by nothing is held for a request's 60 s at most: here nobody can let go of a request before
  // `beforeExit`, which waits for it.
  it("is not held by a silent server after finish", async () => {
    const ending = "finish";
    const script = folder.path(`${host}-silent.mjs`);
    await bundleScript("test/faults/scripts/silent.ts", script);
    const silent = await silentServer();
    const store = folder.path(`${host}-silent`);
    const env = { RUNLOG_STORE: store, RUNLOG_SERVER: `http://127.0.0.1:${silent.port}` };
    try {
      const program = [...(starts[host] ?? []), script];
      const { code, stderr } = await startScript(script, { program, args: ["one", ending], env }).ended;
      expect(code, stderr).toBe(0);
      expect(stderr).toMatch(/1000 observations of run 'one' wait for /);
      expect(silent.asked).toBeGreaterThan(0);
    } finally {
      await silent.stop();
    }
    expect((await openStore(store).runLog("one")).status).toBe("SUCCESS");
  });

  it("keeps the lock of a run from other processes and other runtimes while it lives", async () => {
    const script = folder.path(`${host}-lock.mjs`);
    await bundleScript("test/stores/hold-lock.ts", script);
    const args = [folder.path("locks"), `${host} ${folder.path()}`];
    const take = async (name: string): Promise<[string, () => Promise<unknown>]> => {
      const holder = startScript(script, { program: [...(starts[name] ?? []), script], args });
      const line = await holder.firstLine();
      const kill = (): Promise<unknown> => {
        holder.child.kill("SIGKILL");
        return holder.ended;
      };
      return [line, kill];
    };
    const [first, killFirst] = await take(host);
    expect(first).toBe("taken");
    for (const other of ["node", ...others]) {
      const [line, kill] = await take(other);
      expect([other, line]).toEqual([other, "refused"]);
      await kill();
    }
    await killFirst();
    const [again, killAgain] = await take("node");
    expect(again).toBe("taken");
    await killAgain();
  });
});

describe.each(others)("%s, when a process ends", (host) => {
  const ends = new Map<string, [plain: Ended, real: Ended]>();
  const store = folder.path(`${host}-store`);

  beforeAll(async () => {
    const script = folder.path(`${host}-ending.mjs`);
    await bundleScript("test/faults/scripts/ending.ts", script);
    const runOne = async ({ name, sent }: Ending, env: Record<string, string>): Promise<Ended> => {
      const started = startScript(name, { program: [...(starts[host] ?? []), script], args: [name], env });
      if (sent !== undefined) {
        await started.firstLine();
        started.child.kill(sent);
      }
      return await started.ended;
    };
    await inParallel(endings, 2, async (ending) => {
      ends.set(ending.name, [
        await runOne(ending, { PLAIN: "1" }),
        await runOne(ending, { RUNLOG_STORE: store }),
      ]);
    });
  }, 240_000);

  it.each(endings)("$name: the same end, and on disk all that was tracked", async (ending) => {
    const { name, code = null, signal = null, status, message, tracked = 10 } = ending;
    const [plain, real] = ends.get(name) as [Ended, Ended];
    expect([plain.code, plain.signal]).toEqual([code, signal]);
    expect([real.code, real.signal]).toEqual([code, signal]);
    const opened = openStore(store);
    const [summary] = await collect(opened.runs({ where: { run: name } }));
    expect(summary).toMatchObject({ status, observations: tracked });
    const { run_config } = await opened.runLog(name);
    expect((run_config.runlog as { message?: string }).message).toBe(message);
  });
});

describe.each(["node", ...others])("threads in %s", (host) => {
  it("write one run together, and each ends its own as a process would", async () => {
    const { ends, seen, series } = await runInstalled(host, "threads.mjs", folder.path(`${host}-threads`));
    expect(ends).toEqual({
      joins: [
        { code: 0, errors: [] },
        { code: 0, errors: [] },
      ],
      returns: { code: 0, errors: [] },
      exits: { code: 3, errors: [] },
      throws: { code: 1, errors: ["no thread"] },
    });
    expect(series).toEqual({ a: 1_000, b: 1_000 });
    const one = { writers: 1, observations: 10, message: "" };
    expect(seen).toEqual({
      shared: { status: "SUCCESS", writers: 3, observations: 4_001, message: "" },
      returns: { ...one, status: "SUCCESS" },
      exits: { ...one, status: "FAIL" },
      throws: { ...one, status: "FAIL", message: "no thread" },
      hangs: { ...one, status: "SUCCESS", writers: 2 },
    });
  });
});
