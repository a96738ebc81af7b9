/** Observations made durable in pages of three engines, beside a raw loop that puts the same columns in strict transactions. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Engine, openPage } from "../browser/engines.ts";
import { serveSuites } from "../browser/host.ts";
import { needs } from "../env/find.ts";
import type { Figures } from "./measure/durable-page.ts";
import { figure, publish } from "./measure/table.ts";

const LIMIT_MILLIS = 300_000;
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

async function script(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [here("measure/durable-page.ts")],
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    alias: { runlog: here("../../dist/index.js") },
  });
  return outputFiles[0]?.text ?? "";
}

async function visit(engine: Engine, code: string): Promise<Figures> {
  const host = await serveSuites(code, "page", {});
  try {
    const browser = await openPage(engine, host.url);
    // The host hands over whatever the page posts.
    const figures = (await host.outcome(LIMIT_MILLIS).finally(() => browser.close())) as unknown as Figures;
    if (figures.problem !== undefined) throw new Error(`${engine}: ${figures.problem}`);
    return figures;
  } finally {
    await host.close();
  }
}

const code = await script();
const rows: string[][] = [];
for (const engine of ["chromium", "firefox", "webkit"] as const) {
  if (!needs(engine)) continue;
  const { count, ours, raw, ratio, transactions } = await visit(engine, code);
  const perSecond = (millis: number): string => figure((count / millis) * 1_000);
  rows.push([`${engine}, IndexedDB`, perSecond(ours), perSecond(raw), figure(ratio), `${transactions}`]);
}
const head = [
  "200,000 observations, durable",
  "a second",
  "raw loop, a second",
  "times slower",
  "transactions",
];
publish("durable-browsers", [head, ...rows]);
