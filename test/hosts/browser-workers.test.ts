import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, type Page, chromium as playwright } from "playwright";
import { memoryStore, openStore } from "runlog";
import { type Serving, serve } from "runlog/server";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CHROMIUM_FLAGS } from "../browser/flags.ts";
import { chromium, needs } from "../env/find.ts";
import { installed } from "../package/installed.ts";
import { type Site, serveSite } from "../package/site.ts";

const html =
  '<!doctype html><title>workers</title><link rel="icon" href="data:,"><script type="module" src="workers-page.js"></script>';
const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

describe.skipIf(!needs("chromium"))("workers of the installed package in Chromium", () => {
  const store = memoryStore();
  let project: string;
  let site: Site;
  let server: Serving;
  let browser: Browser;
  let context: BrowserContext;

  beforeAll(async () => {
    project = await installed();
    const folder = join(project, "workers");
    mkdirSync(folder);
    writeFileSync(join(folder, "index.html"), html);
    copyFileSync(join(project, "node_modules/runlog/dist/bundle.js"), join(folder, "bundle.js"));
    for (const name of ["workers-page.js", "service-worker.js", "shared-worker.js"])
      copyFileSync(fixture(name), join(folder, name));
    site = await serveSite({ workers: folder });
    server = await serve({ store, port: 0 });
    const executablePath = chromium() as string;
    browser = await playwright.launch({ executablePath, args: CHROMIUM_FLAGS });
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await site?.close();
    if (project !== undefined) rmSync(project, { recursive: true, force: true });
  });
  beforeEach(async () => {
    context = await browser.newContext();
  });
  afterEach(() => context?.close());

  async function open(): Promise<Page> {
    const page = await context.newPage();
    await page.goto(site.url);
    return page;
  }

  /** Calls a function of `fixtures/workers-page.js` in the page. */
  const call = (page: Page, name: string, argument: object): Promise<unknown> =>
    page.evaluate(`window.page.${name}(${JSON.stringify(argument)})`);

  /** Waits until the server has the run's end; gives how many points it has. */
  async function delivered(runId: string, end: string): Promise<number> {
    const there = openStore(store);
    const status = async (): Promise<unknown> => (await there.runLog(runId).catch(() => undefined))?.status;
    await expect.poll(status, { timeout: 20_000 }).toBe(end);
    return (await there.series(runId, "loss")).value.length;
  }

  it("a service worker outlives its page: it keeps, delivers and ends what the page told it", async () => {
    const runId = "outlives";
    const page = await open();
    const start = { what: "start", runId, server: server.url };
    expect(await call(page, "askServiceWorker", start)).toBe("done");
    for (let step = 0; step < 100; step++)
      await call(page, "sendServiceWorker", { what: "track", runId, values: { loss: step }, step });
    await call(page, "sendServiceWorker", { what: "late", runId, values: { loss: -1 }, step: 100 });
    await page.close();
    expect(await delivered(runId, "SUCCESS")).toBe(200);
    expect(await call(await open(), "read", { runId, key: "loss" })).toEqual({
      status: "SUCCESS",
      count: 200,
    });
  });

  // Whoever is to end the run must be who began it: a page that leaves writes no end, which is a failure.
  it("a service worker joins a page's run, goes on when the page is closed, and closes what it left", async () => {
    const runId = "joined";
    const page = await open();
    expect(await call(page, "track", { runId, server: server.url })).toBe("disk");
    const join = { what: "join", runId, server: server.url };
    expect(await call(page, "askServiceWorker", join)).toBe("done");
    await call(page, "sendServiceWorker", { what: "late", runId, values: { loss: -1 }, step: 100 });
    await page.close();
    expect(await delivered(runId, "FAIL")).toBe(200);
    expect(await call(await open(), "read", { runId, key: "loss" })).toEqual({ status: "FAIL", count: 200 });
  });

  it("a shared worker keeps one run for all its pages; another page reads it when they are gone", async () => {
    const pages = [await open(), await open()];
    const asked = pages.map((page, index) =>
      call(page, "askSharedWorker", { key: `page-${index}`, count: 50 }),
    );
    expect(await Promise.all(asked)).toEqual(["disk", "disk"]);
    for (const page of pages) await page.close();
    const page = await open();
    expect(await call(page, "read", { runId: "shared", key: "both" })).toMatchObject({ count: 100 });
    expect(await call(page, "read", { runId: "shared", key: "page-1" })).toMatchObject({ count: 50 });
  });
});
