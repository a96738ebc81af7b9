import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { memoryStore, openStore, type RunReport } from "runlog";
import { serve } from "runlog/server";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runScript, temporaryFolder } from "./child.ts";
import { type SilentServer, silentServer } from "./silent-server.ts";

let folder: ReturnType<typeof temporaryFolder>;
let silent: SilentServer;
beforeEach(async () => {
  folder = temporaryFolder();
  silent = await silentServer();
});
afterEach(async () => {
  await silent.stop();
  folder.remove();
});

const servers = [
  { kind: "run-log store", variable: "RUNLOG_SERVER" },
  { kind: "MLflow server", variable: "MLFLOW_TRACKING_URI" },
] as const;

describe.each(servers)("a silent $kind", ({ variable }) => {
  it("holds up no track, flush or finish, and finish names the command that sends the rest", async () => {
    const url = `http://127.0.0.1:${silent.port}`;
    const env = { [variable]: url };
    const { code, stdout, stderr } = await runScript("silent", {
      args: ["one", "finish"],
      env,
      cwd: folder.path(),
    });
    expect(code).toBe(0);
    const said = JSON.parse(stdout) as { flushes: string[]; before: RunReport; after: RunReport };
    expect(said.flushes).toEqual(Array(10).fill("disk"));
    expect(said.before.tracked).toBe(1_000);
    expect(said.after).toMatchObject({ status: "SUCCESS", tracked: 1_000, storage: "disk" });
    expect(said.after.destinations[url]).toMatchObject({ delivered: 0, pending: 1_000 });
    expect(silent.asked).toBeGreaterThan(0);
    expect(stderr.trim().split("\n")).toEqual([
      expect.stringMatching(/^1000 observations of run 'one' wait for .*To send them: npx runlog sync$/),
    ]);
  });

  it("does not hold a script that ends without finish", async () => {
    const env = { [variable]: `http://127.0.0.1:${silent.port}` };
    const ended = await runScript("silent", { args: ["one", "nothing"], env, cwd: folder.path() });
    expect(ended.code).toBe(0);
    expect(ended.stderr).toMatch(/To send them: npx runlog sync\n$/);
    expect((await openStore(folder.path(".run_log_store")).runLog("one")).status).toBe("SUCCESS");
  });
});

it.each([{}, { RUNLOG_STORE: "my runs" }])(
  "the printed command delivers to the real server, with %o",
  async (settings) => {
    const { port } = silent;
    const url = `http://127.0.0.1:${port}`;
    const env = { RUNLOG_SERVER: url, ...settings };
    const { stderr } = await runScript("silent", { args: ["one", "finish"], env, cwd: folder.path() });
    await silent.stop();
    const there = memoryStore();
    const server = await serve({ store: there, port });
    try {
      const stdout = await typed(/To send them: npx runlog (.*)$/m.exec(stderr)?.[1] ?? "", folder.path());
      expect(stdout).toContain(`${url}: delivered 1000, pending 0`);
      const here = openStore(folder.path(settings.RUNLOG_STORE ?? ".run_log_store"));
      expect(await openStore(there).runLog("one")).toEqual(await here.runLog("one"));
    } finally {
      await server.close();
    }
  },
);

/** Types `runlog <words>` into a shell; gives what it printed. */
async function typed(words: string, cwd: string): Promise<string> {
  const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
  const arguments_ = ["-c", `"$0" --no-warnings "$1" ${words}`, process.execPath, main];
  const { stdout } = await promisify(execFile)("sh", arguments_, { cwd });
  return stdout;
}
