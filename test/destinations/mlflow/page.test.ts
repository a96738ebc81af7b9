import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, type Page, chromium as playwright } from "playwright";
import type { Run, RunReport } from "runlog";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHROMIUM_FLAGS } from "../../browser/flags.ts";
import { chromium, needs } from "../../env/find.ts";
import { type Mlflow, startMlflow } from "../../env/mlflow-server.ts";

/** A page of any origin, a real Chromium and a real MLflow server: who may write, and who is told why not. */

declare const run: Run;

describe.skipIf(!needs("mlflow") || !needs("chromium"))("a page and a real MLflow server", () => {
  let mlflow: Mlflow;
  let site: Server;
  let port: number;
  let browser: Browser;

  beforeAll(async () => {
    site = await serveScript();
    port = (site.address() as AddressInfo).port;
    mlflow = await startMlflow();
    browser = await playwright.launch({
      executablePath: chromium() as string,
      args: [...CHROMIUM_FLAGS, "--host-resolver-rules=MAP demo.example 127.0.0.1"],
    });
  });
  afterAll(async () => {
    await browser?.close();
    await mlflow?.stop();
    site?.close();
  });

  const open = async (origin: string): Promise<Page> => {
    const page = await browser.newPage();
    await page.goto(`${origin}/?mlflow=${encodeURIComponent(mlflow.url)}`);
    await page.waitForFunction(() => typeof run === "object");
    return page;
  };

  it("takes the run of a page on localhost", async () => {
    const page = await open(`http://localhost:${port}`);
    const report = await page.evaluate(() => run.finish());
    expect(destination(report)).toMatchObject({ state: "done", delivered: 100, pending: 0 });
    expect(await losses(mlflow, report.run)).toEqual(expected);
  });

  it("tells a page of another origin what its owner must set, and takes the run once it is set", async () => {
    const origin = `http://demo.example:${port}`;
    const page = await open(origin);
    const refused = destination(await page.evaluate(() => run.sync({ timeout: 20_000 })));
    expect(refused).toMatchObject({ delivered: 0, pending: 100, problem: { code: "origin_refused" } });
    expect(refused?.problem?.action).toContain(`--cors-allowed-origins ${origin}`);
    await mlflow.restart(["--cors-allowed-origins", origin]);
    const state = async (): Promise<string | undefined> =>
      destination(await page.evaluate(() => run.report()))?.state;
    await expect.poll(state, { timeout: 90_000, interval: 500 }).toBe("done");
    expect(await losses(mlflow, (await page.evaluate(() => run.report())).run)).toEqual(expected);
  }, 150_000);
});

const expected = Array.from({ length: 100 }, (_, step) => [step, 1 / (step + 1)]);

function destination(report: RunReport): RunReport["destinations"][string] | undefined {
  return Object.values(report.destinations)[0];
}

async function losses(server: Mlflow, name: string): Promise<number[][]> {
  const body = JSON.stringify({
    experiment_ids: ["0", "1"],
    filter: `run_name = '${name}'`,
    max_results: 10,
  });
  const headers = { "content-type": "application/json" };
  const api = `${server.url}/api/2.0/mlflow`;
  const found = await (await fetch(`${api}/runs/search`, { method: "POST", headers, body })).json();
  const id = (found as { runs: { info: { run_id: string } }[] }).runs[0]?.info.run_id;
  const answer = await (await fetch(`${api}/metrics/get-history?run_id=${id}&metric_key=loss`)).json();
  const { metrics } = answer as { metrics: { step: string; value: number }[] };
  return metrics
    .map((each) => [Number(each.step), each.value])
    .sort(([a], [b]) => (a as number) - (b as number));
}

/** The page's script, bundled from the source as a bundler would for a browser. */
async function serveScript(): Promise<Server> {
  const source = (path: string): string => fileURLToPath(new URL(`../../../src/${path}`, import.meta.url));
  const bundled = await build({
    entryPoints: [fileURLToPath(new URL("page-script.ts", import.meta.url))],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    alias: { "runlog/mlflow": source("destinations/mlflow/index.ts"), runlog: source("index.ts") },
    tsconfigRaw: {},
  });
  const script = bundled.outputFiles[0]?.text ?? "";
  const server = createServer((request, response) => {
    const isScript = request.url === "/page.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? script : '<!doctype html><script type="module" src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
