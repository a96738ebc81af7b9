import type { CDPSession, Page } from "puppeteer-core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { needs } from "../env/find.ts";
import { count } from "./count.ts";
import { stepsOf } from "./kept.ts";
import { type OpenTab, openTabSite, type TabSite, upTo } from "./tabs-site.ts";

/**
 * The tab whose courier is at work stops in the middle of a request: another takes over. The one that slept goes on
 * when it wakes, where it does; nothing is lost or doubled, and the ledger never goes back.
 */

let site: TabSite;
beforeEach(async () => {
  site = await openTabSite();
});
afterEach(() => site?.close());

interface Stopped {
  readonly page: Page;
  readonly pid: number;
  readonly devtools: CDPSession;
}

interface Way {
  readonly stop: (tab: Stopped) => Promise<unknown> | unknown;
  /** Wakes it; absent where it is gone. */
  readonly wake?: (tab: Stopped) => Promise<unknown> | unknown;
  /** It tracks while it is stopped. */
  readonly busy?: true;
  /** The most time that the others may need. */
  readonly limit: number;
}

const setState = ({ devtools }: Stopped, state: "frozen" | "active"): Promise<unknown> =>
  devtools.send("Page.setWebLifecycleState", { state });

const ways: Record<string, Way> = {
  "frozen, as a browser freezes tabs": {
    stop: (tab) => setState(tab, "frozen"),
    wake: (tab) => setState(tab, "active"),
    busy: true,
    limit: 10_000,
  },
  "stopped with its renderer, without a word": {
    stop: ({ pid }) => process.kill(pid, "SIGSTOP"),
    wake: ({ pid }) => process.kill(pid, "SIGCONT"),
    limit: 20_000,
  },
  crashed: { stop: crash, limit: 10_000 },
  closed: { stop: ({ page }) => page.close(), limit: 10_000 },
};

/** Its renderer dies, which gives no answer any more. */
async function crash({ devtools }: Stopped): Promise<void> {
  const died = new Promise((resolve) => devtools.once("Inspector.targetCrashed", resolve));
  devtools.send("Page.crash").catch(() => "the session ends with the page");
  await died;
}

describe.skipIf(!needs("chromium"))("the tab with the courier is", () => {
  it.for(Object.entries(ways))("%s", { timeout: 1_200_000 }, async ([name, way]) => {
    const took: number[] = [];
    for (let round = 0; round < count({ ci: 1, long: 20 }); round++) {
      const run = `stopped-${round}`;
      const [held, first] = await Promise.all([
        site.wire.holdNext(),
        site.open({ run, key: "first", mode: "begin" }),
      ]);
      const { page } = first;
      const victim = { page, pid: await first.pid(), devtools: await page.createCDPSession() };
      await first.does((tab) => tab.track(100));
      const second = await site.open({ run, key: "second", mode: "join" });
      await second.does((tab) => tab.track(100));
      if (way.busy === true) await first.does((tab) => tab.keepOn());

      const stopped = performance.now();
      await way.stop(victim);
      await arrives(run, 100, way.limit);
      took.push(Math.round(performance.now() - stopped));
      await second.does((tab) => tab.track(100));
      await arrives(run, 200, 10_000);

      const before = await second.does((tab) => tab.ledger());
      held();
      await way.wake?.(victim);
      const last = way.wake === undefined ? 100 : await goesOn(first);
      expect((await second.does((tab) => tab.finish())).status).toBe("SUCCESS");
      await expect
        .poll(() => stepsOf(site.store, run), { timeout: 30_000 })
        .toEqual({ first: upTo(last), second: upTo(200) });
      const after = await second.does((tab) => tab.ledger());
      for (const [writer, [seq]] of Object.entries(before?.position ?? {}))
        expect(after?.position[writer]?.[0]).toBeGreaterThanOrEqual(seq);
      expect(after).toMatchObject({ delivered: 200 + last, complete: true });
      const { status } = await site.store.runLog(run);
      expect(status).toBe(way.wake === undefined ? "FAIL" : "SUCCESS");
      for (const tab of [first, second]) if (!tab.page.isClosed()) await tab.page.close();
    }
    process.stderr.write(`courier ${name}: taken over after ${took.join(", ")} ms\n`);
  });
});

/** All that the second tab tracked is at the server. */
async function arrives(run: string, steps: number, timeout: number): Promise<void> {
  await expect
    .poll(async () => (await stepsOf(site.store, run))["second"], { timeout, interval: 20 })
    .toEqual(upTo(steps));
}

/** It tracks on and finishes, with all that came of its old work still under way; gives how much it tracked in all. */
async function goesOn(first: OpenTab): Promise<number> {
  await first.does((tab) => tab.track(100));
  const steps = await first.does((tab) => tab.stop());
  expect((await first.does((tab) => tab.finish())).status).toBe("SUCCESS");
  return steps;
}
