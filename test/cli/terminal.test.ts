import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { build } from "esbuild";
import { runLogStore, startRun } from "runlog";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { sparkline } from "../../src/client/end-lines.ts";
import { cli, program, run as runProgram, serving, temporaryFolder } from "./cli.ts";
import { inTerminal } from "./terminal.ts";

// Each starts several processes, on a machine that may have other work.
vi.setConfig({ testTimeout: 60_000 });

const folder = temporaryFolder();
const script = folder.path("finishing.mjs");
/** Stands for a server that is down: it takes no connection. */
let down: Server;
let downUrl = "";

beforeAll(async () => {
  await build({
    entryPoints: [new URL("./scripts/finishing.ts", import.meta.url).pathname],
    outfile: script,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "warning",
  });
  down = createServer((_, response) => response.writeHead(503).end());
  await new Promise<void>((resolve) => down.listen(0, "127.0.0.1", resolve));
  downUrl = `http://127.0.0.1:${(down.address() as AddressInfo).port}`;
});
afterAll(async () => {
  down.closeAllConnections();
  await new Promise((resolve) => down.close(resolve));
  folder.remove();
});

test("finish shows one block at a terminal: metrics, where it is kept, what waits and how to send it", async () => {
  const store = folder.path("my 'own' store");
  const { text, code } = await inTerminal(process.execPath, [script, store], { SERVER: downUrl });
  expect(code).toBe(0);
  const lines = text.trimEnd().split("\n");
  expect(lines[0]).toBe("\u001b[1mrun finishing: SUCCESS, 48 observations\u001b[22m");
  expect(lines[1]).toMatch(/^ {2}loss +█[▁▂▃▄▅▆▇█]{31} {2}last 9 at step 39, best 0 at step 30$/);
  expect(lines[2]).toMatch(/^ {2}odd\\u202e +▁▂▃·▅▆▇█ +last 7 at step 7$/);
  expect(lines[3]).toBe(`  kept in ${store}`);
  expect(lines[4]).toBe(`  runlog ${downUrl}: 48 pending, 0 there`);
  expect(text).toContain("answered 503");
  const quoted = folder.path(String.raw`'my '\''own'\'' store'`).replace(/^(.*\/)'/, "'$1");
  expect(lines.at(-1)).toBe(`  to send what waits of finishing: npx runlog sync --store ${quoted}`);
});

test("exec gives its command the terminal to read from, and shows the block at the end", async () => {
  const args = ["exec", "--store", folder.path("exec"), "--run", "typed", "--"];
  const script =
    "test -t 0 && echo terminal; for n in 1 2 3; do echo MAGNUS_TRACK_a_STEP_$n=$n; done; exit 4";
  const { text, code } = await inTerminal(process.execPath, [await program(), ...args, script]);
  expect(code).toBe(4);
  expect(text).toMatch(/^terminal\nMAGNUS_TRACK_a_STEP_1=1\n/);
  expect(text).toContain("run typed: FAIL, 3 observations");
  expect(text).toMatch(/\n {2}a {2}▁▅█ {2}last 3 at step 3\n/);
});

test("NO_COLOR takes the colours out, and only them", async () => {
  const coloured = await inTerminal(process.execPath, [script, folder.path("coloured")]);
  const plain = await inTerminal(process.execPath, [script, folder.path("coloures")], { NO_COLOR: "1" });
  expect(plain.text).not.toContain("\u001b");
  expect(plain.text.replace("coloures", "coloured")).toBe(
    coloured.text.replace("\u001b[1m", "").replace("\u001b[22m", ""),
  );
});

test("without a terminal only what waits is told, and with quiet nothing", async () => {
  const { stderr, stdout } = await runProgram([script, folder.path("no terminal")], {
    env: { SERVER: downUrl },
  });
  expect(stdout).toBe("");
  expect(stderr).toMatch(
    /^48 observations of run 'finishing' wait for .* To send them: npx runlog sync --store '.*'\n$/,
  );
  expect(await runProgram([script, folder.path("kept")])).toMatchObject({ stdout: "", stderr: "" });
  const quiet = await inTerminal(process.execPath, [script, folder.path("quiet")], {
    SERVER: downUrl,
    QUIET: "1",
  });
  expect(quiet.text).toBe("");
});

test("sync shows at a terminal how far it is, and leaves only the result", async () => {
  const there = await serving(["--port", "0", "--store", folder.path("there")]);
  try {
    // Answers late, so that there is something to see.
    const slow = createServer(async (request, response) => {
      const parts: Uint8Array[] = [];
      for await (const part of request) parts.push(part as Uint8Array);
      await new Promise((resolve) => setTimeout(resolve, 700));
      const { method = "GET", url = "" } = request;
      const type = request.headers["content-type"];
      const answer = await fetch(there.url + url, {
        method,
        headers: type === undefined ? {} : { "content-type": type },
        ...(parts.length > 0 && { body: Buffer.concat(parts) }),
      });
      response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
      response.end(Buffer.from(await answer.arrayBuffer()));
    });
    await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}`;
    try {
      const store = folder.path("here");
      const run = startRun({ store, syncTo: [runLogStore(url)], quiet: true });
      run.track({ loss: 1 });
      await run.finish("SUCCESS", { timeout: 0 });
      const { text } = await inTerminal(process.execPath, [await program(), "sync", "--store", store]);
      expect(text).toContain(`\r\u001b[2Krunlog ${url}: 0 of 1 delivered`);
      expect(text).toMatch(/\r\u001b\[2Krunlog .*: delivered 1, pending 0, set aside 0 \(1 run\)\n$/);
      const plain = await cli(["sync", "--store", store]);
      expect(plain).toMatchObject({ code: 0, stderr: "" });
    } finally {
      slow.closeAllConnections();
      await new Promise((resolve) => slow.close(resolve));
    }
  } finally {
    await there.stop();
  }
});

test.each([
  [[1, 2, 3, 4, 5, 6, 7, 8], "▁▂▃▄▅▆▇█"],
  [[5, 5, 5], "▄▄▄"],
  [[0, Number.NaN, 1], "▁·█"],
  [[Number.NaN, Number.POSITIVE_INFINITY], "··"],
  [[-Number.MAX_VALUE, 0, Number.MAX_VALUE], "▁▅█"],
  [[], ""],
])("the sparkline of %j", (values, line) => {
  expect(sparkline(values)).toBe(line);
});

test("a long series is drawn by means, in as many cells as there is room for", () => {
  const values = Array.from({ length: 80_000 }, (_, at) => at);
  expect(sparkline(values, 8)).toBe("▁▂▃▄▅▆▇█");
});
