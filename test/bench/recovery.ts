/**
 * What a process, or a page, costs that finds a million observations of an earlier one undelivered: from its start until
 * a run-log server has confirmed them, beside a raw loop that reads the same bytes and posts them in requests of that
 * size.
 */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { chromium as playwright } from "playwright";
import { memoryStore } from "runlog";
import { type Serving, serve } from "runlog/server";
import { CHROMIUM_FLAGS } from "../browser/flags.ts";
import { chromium, needs } from "../env/find.ts";
import { median } from "./measure/interleave.ts";
import type { Cost } from "./measure/recovers.ts";
import { figure, publish } from "./measure/table.ts";

const COUNT = 1_000_000;
const TRIES = 3;
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "runlog-bench-"));
const run = promisify(execFile);
type Pair = [ours: Cost, raw: Cost];

/** One way of leaving or recovering, against a server that has nothing yet. */
type Way = (mode: "leave" | "recover" | "raw", index: number, url: string) => Promise<Cost>;

async function compare(name: string, way: Way): Promise<string[]> {
  const pairs: Pair[] = [];
  for (let index = 0; index < TRIES; index++) {
    // A free address, at which nobody listens while observations are left.
    const first = await serve({ store: memoryStore(), port: 0 });
    const { port, url } = first;
    await first.close();
    await way("leave", index, url);
    const fresh = async (mode: "recover" | "raw"): Promise<Cost> => {
      const server: Serving = await serve({ store: memoryStore(), port });
      try {
        return await way(mode, index, url);
      } finally {
        await server.close();
      }
    };
    pairs.push([await fresh("recover"), await fresh("raw")]);
  }
  const middle = (each: (pair: Pair) => number): string => figure(median(pairs.map(each)));
  return [
    name,
    middle(([ours]) => ours.millis / 1_000),
    middle(([ours]) => ours.memory),
    middle(([, raw]) => raw.millis / 1_000),
    middle(([, raw]) => raw.memory),
    middle(([ours, raw]) => ours.millis / raw.millis),
  ];
}

async function inNode(): Promise<string[]> {
  return await compare("Node, filesystem", async (mode, index, url) => {
    const left = join(folder, `left-${index}`);
    const store = mode === "leave" ? left : `${left}-${mode}`;
    if (mode !== "leave") cpSync(left, store, { recursive: true });
    const args = ["--no-warnings", here("measure/recovers.ts"), mode, store, url, `${COUNT}`];
    return JSON.parse((await run(process.execPath, args)).stdout) as Cost;
  });
}

async function inChromium(): Promise<string[]> {
  const { outputFiles } = await build({
    entryPoints: [here("measure/recovers-page.ts")],
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    alias: { runlog: here("../../dist/index.js") },
  });
  const site = createServer((request, response) => {
    const script = request.url === "/page.js";
    response.setHeader("content-type", script ? "text/javascript" : "text/html");
    response.end(
      script ? outputFiles[0]?.text : '<!doctype html><script type="module" src="/page.js"></script>',
    );
  });
  await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  const browser = await playwright.launch({
    ...(chromium() !== undefined && { executablePath: chromium() as string }),
    args: [...CHROMIUM_FLAGS, "--enable-precise-memory-info"],
  });
  try {
    const page = await browser.newPage();
    return await compare("Chromium, IndexedDB", async (mode, index, url) => {
      await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
      await page.waitForFunction("globalThis.perform");
      const task = JSON.stringify({ mode, store: `left-${index}`, url, count: COUNT });
      return (await page.evaluate(`perform(${task})`)) as Cost;
    });
  } finally {
    await browser.close();
    site.closeAllConnections();
    site.close();
  }
}

try {
  const head = ["1,000,000 observations left", "seconds", "memory, MiB", "raw, seconds", "memory, MiB"];
  const rows = [await inNode()];
  if (needs("chromium")) rows.push(await inChromium());
  publish("recovery", [[...head, "times slower"], ...rows]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
