import { afterEach, describe, expect, it } from "vitest";
import { needs } from "../env/find.ts";
import { count } from "./count.ts";
import { stepsOf } from "./kept.ts";
import type { TabOptions } from "./pages/tabs.ts";
import { type OpenTab, openTabSite, type TabSite, upTo } from "./tabs-site.ts";

let site: TabSite | undefined;
afterEach(() => site?.close());

describe.skipIf(!needs("chromium"))("many tabs of one origin", () => {
  it("10 tabs and 2 workers write one run: 12,000 observations arrive once, by one courier at a time", async () => {
    site = await openTabSite();
    for (let round = 0; round < count({ ci: 1, long: 10 }); round++) {
      const run = `twelve-${round}`;
      const named = (at: number): Omit<TabOptions, "server"> => ({
        run,
        key: `k${at}`,
        mode: at ? "join" : "begin",
      });
      const tabs: OpenTab[] = [];
      for (let at = 0; at < 10; at++) tabs.push(await site.open(named(at)));
      const workers = [10, 11].map((at) =>
        site?.startWorker(tabs[at - 10] as OpenTab, { ...named(at), count: "1000" }),
      );
      await Promise.all(tabs.map(({ does }) => does((tab) => tab.track(1_000))));
      const reports = await Promise.all(tabs.map(({ does }) => does((tab) => tab.finish())));
      expect(reports.map(({ status }) => status)).toEqual(Array(10).fill("SUCCESS"));
      expect(await Promise.all(workers)).toEqual(["SUCCESS", "SUCCESS"]);

      const all = Object.fromEntries(upTo(12).map((at) => [`k${at}`, upTo(1_000)]));
      await expect.poll(() => stepsOf((site as TabSite).store, run), { timeout: 30_000 }).toEqual(all);
      expect((await site.store.runLog(run)).status).toBe("SUCCESS");
      const ledger = await tabs[0]?.does((tab) => tab.ledger());
      expect(ledger).toMatchObject({ delivered: 12_000, setAside: 0, complete: true });
      await Promise.all(tabs.map(({ page }) => page.close()));
    }
    expect(site.wire.most).toBe(1);
  }, 1_200_000);
});
