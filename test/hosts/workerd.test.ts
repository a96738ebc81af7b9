import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { openStore } from "runlog";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Serving, serve } from "../../src/server/serve.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { installed } from "../package/installed.ts";
import { runtime } from "./runtimes.ts";

const workerd = await runtime("workerd");

const config = `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker", esModule = embed "bundled.js")], compatibilityDate = "2026-11-01")),
    (name = "internet", network = (allow = ["private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);`;

describe.skipIf(workerd === undefined)("workerd", () => {
  const store = memoryStore();
  let project: string;
  let server: Serving;
  let child: ChildProcess;
  let url: string;

  beforeAll(async () => {
    project = await installed();
    server = await serve({ store, port: 0 });
    cpSync(fileURLToPath(new URL("./fixtures/worker.mjs", import.meta.url)), join(project, "worker.mjs"));
    mkdirSync(join(project, "workerd"));
    const outfile = join(project, "workerd", "bundled.js");
    // As wrangler resolves packages.
    const conditions = ["workerd", "worker", "browser"];
    await build({
      entryPoints: [join(project, "worker.mjs")],
      bundle: true,
      format: "esm",
      conditions,
      outfile,
    });
    writeFileSync(join(project, "workerd", "config.capnp"), config);
    child = spawn(workerd as string, ["serve", "config.capnp", "--control-fd=3"], {
      cwd: join(project, "workerd"),
      stdio: ["ignore", "ignore", "ignore", "pipe"],
    });
    url = `http://127.0.0.1:${await portOf(child)}/`;
  }, 300_000);

  afterAll(async () => {
    child?.kill("SIGKILL");
    await server?.close();
    if (project !== undefined) rmSync(project, { recursive: true, force: true });
  });

  it("tracks in memory and delivers before the answer, one request after the other and several at once", async () => {
    const ask = async (runId: string): Promise<unknown> => {
      const response = await fetch(url, {
        method: "POST",
        body: JSON.stringify({ server: server.url, runId }),
      });
      return response.ok ? await response.json() : await response.text();
    };
    const answers = [await ask("one"), await ask("two")];
    answers.push(...(await Promise.all(["three", "four", "five"].map(ask))));
    for (const answer of answers) {
      expect(answer).toMatchObject({
        durable: "memory",
        report: {
          status: "SUCCESS",
          tracked: 102,
          storage: "memory",
          destinations: { [server.url]: { state: "done", delivered: 102, pending: 0 } },
        },
        mlflow: "function",
      });
    }
    const opened = openStore(store);
    for (const runId of ["one", "two", "three", "four", "five"]) {
      expect((await opened.series(runId, "loss")).value).toHaveLength(100);
      const { status, steps } = await opened.runLog(runId);
      expect([status, steps.evaluate?.user_defined_metrics]).toMatchObject(["SUCCESS", { note: "good" }]);
    }
  });
});

/** The port that workerd's control messages name. */
async function portOf(child: ChildProcess): Promise<number> {
  for await (const line of createInterface({ input: child.stdio[3] as Readable })) {
    const message = JSON.parse(line) as { event: string; port?: number };
    if (message.event === "listen" && message.port !== undefined) return message.port;
  }
  throw new Error("workerd ended and named no port");
}
