import { openStore } from "runlog";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { needs } from "../env/find.ts";
import { count } from "./count.ts";
import { type OpenTab, openTabSite, stepsThere, type TabSite, upTo } from "./tabs-site.ts";

/** A page with an open run that is left in the middle of a request, and gone back to. */

let site: TabSite;
beforeEach(async () => {
  site = await openTabSite();
});
afterEach(() => site?.close());

/** Leaves the page, and gives what comes back to it with the reasons why the browser did not keep it. */
async function leave({ page }: OpenTab): Promise<() => Promise<string[]>> {
  const devtools = await page.createCDPSession();
  const reasons: string[] = [];
  await devtools.send("Page.enable");
  devtools.on("Page.backForwardCacheNotUsed", ({ notRestoredExplanations }) =>
    reasons.push(...notRestoredExplanations.map(({ reason, context }) => `${reason} ${context ?? ""}`)),
  );
  await page.goto("data:text/html,elsewhere");
  return async () => {
    await page.goBack();
    await page.waitForFunction(() => "page" in globalThis, { polling: 100 });
    return reasons;
  };
}

/** The names of the locks that anybody holds; a writer's own is one. */
async function locksSeenBy({ page }: OpenTab): Promise<unknown[]> {
  return await page.evaluate(async () => {
    const { held = [] } = await navigator.locks.query();
    return held.map(({ name }) => name);
  });
}

describe.skipIf(!needs("chromium"))("a page kept in the back/forward cache", () => {
  it("goes on with its run, though others delivered and ended meanwhile", async () => {
    for (let round = 0; round < count({ ci: 1, long: 5 }); round++) {
      const run = `left-${round}`;
      const [held, first] = await Promise.all([
        site.wire.holdNext(),
        site.open({ run, key: "first", mode: "begin", card: "yes" }),
      ]);
      await first.does((tab) => tab.track(100));
      // Without a courier: who asks for a lock in the very moment in which a page is left has its browser drop it.
      const second = await site.open({ run, key: "second", mode: "join", silent: "yes" });
      await first.does((tab) => tab.keepOn());
      const comeBack = await leave(first);
      await expect
        .poll(() => locksSeenBy(second), { timeout: 10_000 })
        .toEqual([expect.stringMatching(/^writer:/)]);
      held();

      // One takes the first for dead, another goes on with the run and delivers it.
      await second.does((tab) => tab.track(100));
      await second.does((tab) => tab.finish());
      expect(await second.does((tab) => tab.status())).toBe("FAIL");
      const third = await site.open({ run, key: "third", mode: "join" });
      await third.does((tab) => tab.track(100));
      expect((await third.does((tab) => tab.finish())).destinations).toMatchObject({
        [site.wire.url]: { state: "done" },
      });

      expect(await comeBack()).toEqual([]);
      expect(await first.does((tab) => tab.restored)).toBe(1);
      await expect
        .poll(async () => (await openStore(site.store).runLog(run)).status, { timeout: 20_000 })
        .toBe("PROCESSING");
      await first.does((tab) => tab.track(100));
      const steps = await first.does((tab) => tab.stop());
      expect(steps).toBeGreaterThan(200);
      expect((await first.does((tab) => tab.finish())).status).toBe("SUCCESS");
      await expect
        .poll(() => stepsThere(site.store, run), { timeout: 30_000 })
        .toEqual({ first: upTo(steps), second: upTo(100), third: upTo(100) });
      expect((await openStore(site.store).runLog(run)).status).toBe("SUCCESS");
      await Promise.all([first, second, third].map(({ page }) => page.close()));
    }
  }, 600_000);
});
