import { type BrowserContext, type Page, chromium as playwright } from "playwright";
import { memoryStore, openStore, type RunReport, type RunSummary } from "runlog";
import { type Serving, serve } from "runlog/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHROMIUM_FLAGS } from "../browser/flags.ts";
import { chromium, needs } from "../env/find.ts";
import { collect, temporaryFolder } from "./child.ts";
import { stepsOf } from "./kept.ts";
import { hostPage, type PageHost } from "./pages/host.ts";
import type { ReleasePage } from "./pages/releases.ts";

declare const page: ReleasePage;

const quota = 4_000_000;

describe.skipIf(!needs("chromium"))("a page in Chromium that used up its quota", () => {
  const folder = temporaryFolder();
  const store = memoryStore();
  let server: Serving;
  let host: PageHost;
  let context: BrowserContext;

  beforeAll(async () => {
    server = await serve({ store, port: 0 });
    host = await hostPage("releases", () => undefined);
    context = await playwright.launchPersistentContext(folder.path("profile"), {
      executablePath: chromium() as string,
      args: CHROMIUM_FLAGS,
    });
  });
  afterAll(async () => {
    await context?.close();
    await host?.close();
    await server?.close();
    folder.remove();
  });

  it("tracks on where delivered runs make room, and all is there once", async () => {
    const tab: Page = await context.newPage();
    const devtools = await context.newCDPSession(tab);
    const origin = new URL(host.url).origin;
    await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: quota });
    await tab.goto(`${host.url}?${new URLSearchParams({ server: server.url })}`);
    await tab.waitForFunction(() => typeof page === "object");
    // Three times the quota, a run of about 600 kB after the other.
    const reports: RunReport[] = [];
    for (let at = 0; at < 20; at++) reports.push(await tab.evaluate((id) => page.run(id), `run-${at}`));
    expect(reports.map(({ storage, refused }) => ({ storage, refused }))).toEqual(
      reports.map(() => ({ storage: "disk", refused: 0 })),
    );
    const here: readonly RunSummary[] = await tab.evaluate(() => page.runs());
    expect(here).toHaveLength(20);
    const released = here.filter((run) => run.released).map(({ run }) => run);
    expect(released.length).toBeGreaterThan(10);
    expect(here.slice(0, 20 - released.length).every((run) => !run.released)).toBe(true);
    for (const { parameters, metrics } of here) {
      expect(parameters).toEqual({ lr: 0.1 });
      expect(metrics["loss"]).toMatchObject({ last: 5, min: 0, max: 5, count: 6 });
    }
    expect(await tab.evaluate((id) => page.read(id), released[0] ?? "")).toContain(server.url);
    const there = openStore(store);
    expect(await collect(there.runs())).toHaveLength(20);
    for (const { run } of here) {
      expect(await stepsOf(there, run)).toEqual({ loss: [0, 1, 2, 3, 4, 5], text: [0, 1, 2, 3, 4, 5] });
    }
  }, 120_000);
});
