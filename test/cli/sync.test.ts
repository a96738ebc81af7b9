import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { runLogStore, startRun } from "runlog";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { destinationOf } from "../../src/cli/destinations.ts";
import { cli, type Serving, serving, temporaryFolder } from "./cli.ts";

// Each starts several processes, on a machine that may have other work.
vi.setConfig({ testTimeout: 60_000 });

let folder: ReturnType<typeof temporaryFolder>;
let server: Serving | undefined;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
  folder.remove();
});

/** A finished run of 20 observations, delivered nowhere yet. */
async function trackSome(url: string | undefined): Promise<string> {
  const syncTo = url === undefined ? [] : [runLogStore(url)];
  const run = startRun({ store: folder.path("here"), syncTo, quiet: true });
  for (let step = 0; step < 20; step++) {
    run.track({ loss: 1 / (step + 1) }, { step });
    if (step === 9) await run.flush();
  }
  await run.finish("SUCCESS", { timeout: 0 });
  return run.id;
}

const here = (): string[] => ["--store", folder.path("here")];
const start = async (port = "0"): Promise<Serving> => {
  server = await serving(["--port", port, "--store", folder.path("there")]);
  return server;
};

test("a run goes where it said once the server is back", async () => {
  const { url, stop } = await start();
  expect((await stop()).code).toBe(0);
  server = undefined;
  const run = await trackSome(url);

  const dry = await cli(["sync", "--dry-run", ...here()]);
  expect(dry).toMatchObject({ code: 0 });
  expect(dry.stdout).toContain(`runlog ${url}: delivered 0, pending 20`);
  const down = await cli(["sync", ...here()]);
  expect(down.code).toBe(3);
  expect(down.stdout).toContain("pending 20");
  expect(down.stderr).toContain(url);

  await start(new URL(url).port);
  const up = await cli(["sync", ...here()]);
  expect(up).toMatchObject({ code: 0, stderr: "" });
  expect(up.stdout).toBe(`runlog ${url}: delivered 20, pending 0, set aside 0 (1 run)\n`);
  expect(await cli(["sync", run, ...here()])).toMatchObject({ code: 0, stdout: up.stdout });
  const kept = await cli(["export", run, "--as", "jsonl", "--out", "-", "--store", folder.path("there")]);
  expect(await cli(["export", run, "--as", "jsonl", "--out", "-", ...here()])).toMatchObject({
    stdout: kept.stdout,
  });
});

test("--verify says what a server lost of a run, and --again brings it back", async () => {
  const { url, stop } = await start();
  const run = await trackSome(url);
  const verified = `  ${run}: verified 2 segments\n`;
  expect((await cli(["sync", "--verify", ...here()])).stdout).toContain(verified);
  await stop();
  const journal = join(folder.path("there"), ".journal", run);
  const [file = ""] = readdirSync(journal).filter((name) => name.endsWith(".jsonl"));
  const path = join(journal, file);
  const bytes = readFileSync(path);
  // A byte of the first of two segments turns: its place stays taken, so a plain sync finds nothing to send.
  bytes[40] = 1;
  writeFileSync(path, bytes);
  await start(new URL(url).port);
  expect(await cli(["sync", ...here()])).toMatchObject({ code: 0, stderr: "" });
  const lost = await cli(["sync", "--verify", ...here()]);
  expect(lost).toMatchObject({ code: 3, stderr: expect.stringContaining("runlog sync --again") });
  expect(lost.stdout).toContain(`  ${run}: 1 of 2 segments differ\n`);
  const again = await cli(["sync", "--again", "--verify", ...here()]);
  expect(again).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining(verified) });

  // The whole journal goes while the server runs: the position that it tells brings the run back by itself.
  for (const name of readdirSync(journal)) rmSync(join(journal, name), { recursive: true });
  const back = await cli(["sync", "--verify", ...here()]);
  expect(back).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining(verified) });
});

test("--to sends runs that named nothing", async () => {
  const run = await trackSome(undefined);
  const nothing = await cli(["sync", ...here()]);
  expect(nothing).toMatchObject({ code: 0, stdout: "" });
  expect(nothing.stderr).toContain("--to URL");
  const { url } = await start();
  expect(await cli(["sync", run, "--to", url, ...here()])).toMatchObject({ code: 0 });
  expect(await cli(["show", run, "--store", folder.path("there")])).toMatchObject({ code: 0 });
});

test("imported runs go nowhere by themselves", async () => {
  const { url } = await start();
  const run = await trackSome(url);
  const { stdout: lines } = await cli(["export", run, "--as", "jsonl", "--out", "-", ...here()]);
  const copy = ["--store", folder.path("copy")];
  await cli(["import", "-", ...copy], { input: lines });
  expect((await cli(["sync", ...copy])).stderr).toContain("no run here names a destination");
});

test("a token reaches only the server it was given for", async () => {
  const run = await trackSome(undefined);
  const asked: (string | undefined)[] = [];
  const spy = createServer((request, response) => {
    asked.push(request.headers.authorization);
    response.writeHead(403).end();
  });
  await new Promise<void>((resolve) => spy.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(spy.address() as AddressInfo).port}`;
  const file = folder.path("token");
  writeFileSync(file, "s3cret\n");
  const refused = await cli(["sync", run, "--to", url, "--token-file", file, ...here()]);
  const other = await cli(["sync", run, "--to", url, ...here()], {
    env: { RUNLOG_TOKEN: "s3cret", RUNLOG_SERVER: "http://127.0.0.1:1" },
  });
  spy.closeAllConnections();
  await new Promise((resolve) => spy.close(resolve));
  expect(refused.code).toBe(3);
  expect(asked[0]).toBe("Bearer s3cret");
  expect(asked.at(-1)).toBeUndefined();
  expect(refused.stdout + refused.stderr + other.stderr).not.toContain("s3cret");
});

test("credentials of the environment go to the origin that it names", () => {
  const env = {
    MLFLOW_TRACKING_URI: "http://u:p@127.0.0.1:5000/sub",
    MLFLOW_TRACKING_TOKEN: "t",
    RUNLOG_SERVER: "http://127.0.0.1:4000",
    RUNLOG_TOKEN: "r",
  };
  const credentials = (kind: string, url: string) => destinationOf({ kind, url }, env)?.credentials;
  expect(credentials("mlflow", "http://127.0.0.1:5000")).toEqual({
    username: "u",
    password: "p",
    token: "t",
  });
  expect(credentials("runlog", "http://127.0.0.1:4000/x")).toEqual({ token: "r" });
  for (const url of ["http://127.0.0.1:5001", "https://127.0.0.1:5000", "http://localhost:5000"]) {
    expect(credentials("mlflow", url)).toEqual({});
  }
  expect(credentials("runlog", "http://127.0.0.1:5000")).toEqual({});
  expect(destinationOf({ kind: "wandb", url: "http://127.0.0.1:1" }, env)).toBeUndefined();
});
