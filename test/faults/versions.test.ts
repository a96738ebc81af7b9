import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";
import puppeteer, { type Browser, type BrowserContext, type Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CHROMIUM_FLAGS } from "../browser/flags.ts";
import { chromium, firefox, needs } from "../env/find.ts";
import { count } from "./count.ts";
import { bundlePage } from "./pages/host.ts";
import { listen, type Site } from "./pages/sites.ts";
import type { VersionPage } from "./pages/versions.ts";

/**
 * Tabs of several versions on one database, in real browsers: a newer one upgrades it under the older ones, somebody
 * holds it, removes it, or wrote what only newer ones can read. Nothing that was durable is lost, nothing hangs.
 */

declare const page: VersionPage;

const upgrades = count({ ci: 1, long: 5 });
/** What the watchdog of opening allows; a hang would be longer than any test. */
const hangMillis = 5_000;

/** What the next version would change: its number, a store more and, where it must, the least reader. */
function nextVersion(minReader?: number): Plugin {
  return {
    name: "next-version",
    setup({ onLoad }) {
      onLoad({ filter: /indexeddb-connection\.ts$/ }, async ({ path }) => {
        const least = minReader === undefined ? "" : `void meta.put(${minReader}, "minReader");`;
        const source = (await readFile(path, "utf8"))
          .replace("const schemaVersion = 1;", "const schemaVersion = 2;")
          .replace('"leases"];', '"leases", "later" as never];')
          .replace("if (oldVersion > 0) return;", "")
          .replace('void meta.put(toHex(random), "id");', `if (oldVersion === 0) $&${least}`);
        return { contents: source, loader: "ts" };
      });
    },
  };
}

async function servePages(): Promise<Site> {
  const scripts: Record<string, string> = {
    "/v1.js": await bundlePage("versions"),
    "/v2.js": await bundlePage("versions", [nextVersion()]),
    "/v2-only.js": await bundlePage("versions", [nextVersion(2)]),
  };
  return await listen(({ url = "/" }, response) => {
    const script = scripts[url];
    response.setHeader("content-type", script === undefined ? "text/html" : "text/javascript");
    response.end(script ?? `<!doctype html><body><script type="module" src="${url}.js"></script>`);
  });
}

/** Tabs in the background are as fast as the one in front: Firefox gives them a timer a second. */
const extraPrefsFirefox = {
  "dom.min_background_timeout_value": 4,
  "dom.min_background_timeout_value_without_budget_throttling": 4,
  "dom.timeout.enable_budget_timer_throttling": false,
};

const engines = [
  ["chromium", () => launch("chrome", chromium(), CHROMIUM_FLAGS)],
  ["firefox", () => launch("firefox", firefox(), [])],
] as const;

function launch(browser: "chrome" | "firefox", executablePath = "", args: string[] = []): Promise<Browser> {
  return puppeteer.launch({ browser, executablePath, args, headless: true, extraPrefsFirefox });
}

describe.each(engines)("tabs in %s", { timeout: 120_000 }, (engine, start) => {
  const here = needs(engine);
  let site: Site;
  let browser: Browser;
  let context: BrowserContext;

  beforeAll(async () => {
    if (!here) return;
    site = await servePages();
    browser = await start();
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });
  beforeEach(async () => {
    if (here) context = await browser.createBrowserContext();
  });
  afterEach(() => context?.close());

  const open = async (version: "v1" | "v2" | "v2-only"): Promise<Page> => {
    const tab = await context.newPage();
    await tab.goto(`http://127.0.0.1:${site.port}/${version}`);
    await tab.waitForFunction("typeof page === 'object'");
    return tab;
  };
  const begin = async (version: "v1" | "v2", run: string): Promise<Page> => {
    const tab = await open(version);
    await tab.evaluate((id) => page.start(id), run);
    await tab.evaluate(() => page.more(50));
    return tab;
  };
  /** Ends the page's run: all that it tracked is on disk, once, and no flush hung. */
  const end = async (tab: Page, run: string, reader: Page): Promise<void> => {
    const { report, tracked, flushed, longest } = await tab.evaluate(() => page.stop());
    expect(report).toMatchObject({ storage: "disk", status: "SUCCESS", tracked });
    expect(report.problem).toBeUndefined();
    expect(flushed).toBeGreaterThan(0);
    expect(longest).toBeLessThan(hangMillis);
    expect(await reader.evaluate((id) => page.steps(id), run)).toEqual(upTo(tracked));
  };

  it.skipIf(!here)(`go on when a newer one upgrades their database, ${upgrades} times`, async () => {
    for (let time = 0; time < upgrades; time++) {
      const old = [await begin("v1", `old-${time}-0`), await begin("v1", `old-${time}-1`)];
      const newer = await begin("v2", `newer-${time}`);
      for (const tab of [...old, newer]) await tab.evaluate(() => page.more(100));
      const later = await begin("v1", `later-${time}`);
      for (const [index, tab] of old.entries()) await end(tab, `old-${time}-${index}`, later);
      await end(newer, `newer-${time}`, later);
      await end(later, `later-${time}`, newer);
      const [, version] = await newer.evaluate(async () => {
        const [found] = await indexedDB.databases();
        return [found?.name, found?.version];
      });
      expect(version).toBe(2);
      await context.close();
      context = await browser.createBrowserContext();
    }
  });

  it.skipIf(!here)("say to reload where a newer one wrote what they cannot read", async () => {
    const old = await begin("v1", "old");
    const newer = await open("v2-only");
    expect(await newer.evaluate(() => page.begin("newer"))).toBe("disk");
    await expect
      .poll(() => old.evaluate(() => page.report().problem?.message), { timeout: 10_000 })
      .toContain("reload this page to get the newer runlog");
    expect(await old.evaluate(() => page.report().storage)).toBe("memory");
    const flushed = (await newer.evaluate(() => page.steps("old"))).length;
    expect(flushed).toBeGreaterThanOrEqual(50);
  });

  it.skipIf(!here)(
    "are told to close the one that holds the database, and go on once it is closed",
    async () => {
      const holder = await open("v1");
      expect(await holder.evaluate(() => page.begin("first"))).toBe("disk");
      const bare = await open("v1");
      await bare.evaluate(() => page.hold());
      const newer = await open("v2");
      expect(await newer.evaluate(() => page.begin("newer"))).toBe("memory");
      const { problem, storage } = await newer.evaluate(() => page.report());
      expect(storage).toBe("memory");
      expect(problem?.message).toContain("close other tabs");
      await bare.close();
      await expect.poll(() => newer.evaluate(() => page.report().storage), { timeout: 30_000 }).toBe("disk");
      expect(await holder.evaluate(() => page.steps("newer"))).toEqual([0]);
      expect(await newer.evaluate(() => page.steps("first"))).toEqual([0]);
    },
  );

  it.skipIf(!here)("go on when another deletes the database; the next run tells it, once", async () => {
    const old = await begin("v1", "old");
    const other = await open("v1");
    await other.evaluate(() => page.deleteDatabase());
    await expectGoesOn(old, other);
    await expectTold();
  });

  // Only its own protocol tells a browser to do that.
  if (engine === "chromium") {
    it.skipIf(!here)("go on when the browser removes the database; the next run tells it, once", async () => {
      const old = await begin("v1", "old");
      const devtools = await old.createCDPSession();
      const origin = `http://127.0.0.1:${site.port}`;
      await devtools.send("Storage.clearDataForOrigin", { origin, storageTypes: "indexeddb" });
      await expectGoesOn(old, await open("v1"));
      await expectTold();
    });
  }

  /** What was tracked before may be gone, and shows as a gap; what came after is there in one piece. */
  const expectGoesOn = async (old: Page, reader: Page): Promise<void> => {
    await old.evaluate(() => page.more(100));
    const { report, tracked, longest } = await old.evaluate(() => page.stop());
    expect(report).toMatchObject({ storage: "disk", status: "SUCCESS" });
    expect(longest).toBeLessThan(hangMillis);
    const steps = await reader.evaluate(() => page.steps("old"));
    expect(steps.length).toBeGreaterThanOrEqual(90);
    expect(steps).toEqual(upTo(tracked).slice(-steps.length));
  };
  const expectTold = async (): Promise<void> => {
    const reloaded = await open("v1");
    expect(await reloaded.evaluate(() => page.begin("next"))).toBe("disk");
    const { problem, storage } = await reloaded.evaluate(() => page.report());
    expect(storage).toBe("disk");
    expect(problem).toMatchObject({ code: "storage_evicted" });
    expect(problem?.action).toContain("persist()");
    await reloaded.evaluate(() => page.begin("after"));
    expect(await reloaded.evaluate(() => page.report().problem)).toBeUndefined();
  };
});

const upTo = (steps: number): number[] => Array.from({ length: steps }, (_, at) => at);
