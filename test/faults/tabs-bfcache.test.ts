import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { needs } from "../env/find.ts";
import { count } from "./count.ts";
import { stepsOf } from "./kept.ts";
import { type OpenTab, openTabSite, type TabSite, upTo } from "./tabs-site.ts";

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

interface Left {
  readonly first: OpenTab;
  readonly comeBack: () => Promise<string[]>;
}

/** Leaves a page in the middle of a request; others then end and continue its run, and deliver all that is there. */
async function leftAlone(run: string, busy: boolean): Promise<Left> {
  const [held, first] = await Promise.all([
    site.wire.holdNext(),
    site.open({ run, key: "first", mode: "begin", ...(busy && { card: "yes" }) }),
  ]);
  await first.does((tab) => tab.track(100));
  const second = await site.open({ run, key: "second", mode: "join", silent: "yes" });
  if (busy) await first.does((tab) => tab.keepOn());
  const comeBack = await leave(first);
  await expect
    .poll(() => locksSeenBy(second), { timeout: 10_000 })
    .toEqual([expect.stringMatching(/^writer:/)]);
  held();

  await second.does((tab) => tab.track(100));
  await second.does((tab) => tab.finish());
  expect(await second.does((tab) => tab.status())).toBe("FAIL");
  const third = await site.open({ run, key: "third", mode: "join" });
  await third.does((tab) => tab.track(100));
  expect((await third.does((tab) => tab.finish())).destinations).toMatchObject({
    [site.wire.url]: { state: "done" },
  });
  await Promise.all([second, third].map(({ page }) => page.close()));
  return { first, comeBack };
}

/** It is at work as before, and its end is the run's. */
async function goesOn(run: string, first: OpenTab): Promise<void> {
  expect(await first.does((tab) => tab.restored)).toBe(1);
  await expect
    .poll(async () => (await site.store.runLog(run)).status, { timeout: 20_000 })
    .toBe("PROCESSING");
  await first.does((tab) => tab.track(100));
  const steps = await first.does((tab) => tab.stop());
  expect((await first.does((tab) => tab.finish())).status).toBe("SUCCESS");
  const all = { first: upTo(steps), second: upTo(100), third: upTo(100) };
  await expect.poll(() => stepsOf(site.store, run), { timeout: 30_000 }).toEqual(all);
  expect((await site.store.runLog(run)).status).toBe("SUCCESS");
}

describe.skipIf(!needs("chromium"))("a page kept in the back/forward cache", { timeout: 600_000 }, () => {
  const rounds = count({ ci: 1, long: 5 });

  it("goes on with its run, though others delivered and ended meanwhile", async () => {
    for (let round = 0; round < rounds; round++) {
      const { first, comeBack } = await leftAlone(`left-${round}`, false);
      expect(await comeBack()).toEqual([]);
      await goesOn(`left-${round}`, first);
      await first.page.close();
    }
  });

  // In the moment between being left and hearing of it a page that writes may begin a transaction: then its browser
  // drops it, about once in ten times on a busy machine, and what was durable is all that is left of it.
  it("also one that shows its card and tracks all the time", async () => {
    let [kept, left] = [0, 0];
    for (; kept < rounds && left < rounds + 4; left++) {
      const { first, comeBack } = await leftAlone(`busy-${left}`, true);
      const reasons = await comeBack();
      if (reasons.length === 0) {
        await goesOn(`busy-${left}`, first);
        kept += 1;
      } else process.stderr.write(`dropped: ${reasons.join(", ")}\n`);
      await first.page.close();
    }
    process.stderr.write(`kept in the back/forward cache: ${kept} of ${left}\n`);
    expect(kept).toBe(rounds);
  });
});
