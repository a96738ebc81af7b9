/** Many tabs of one origin in a real Chromium, and the wire between them and a run-log server. */
import { existsSync, readFileSync } from "node:fs";
import puppeteer, { type Browser, type Page } from "puppeteer-core";
import { memoryStore, openStore } from "runlog";
import { serve } from "runlog/server";
import { CHROMIUM_FLAGS } from "../browser/flags.ts";
import { chromium } from "../env/find.ts";
import { gate } from "./pages/gate.ts";
import { hostPage } from "./pages/host.ts";
import { listen } from "./pages/sites.ts";
import type { Tab, TabOptions } from "./pages/tabs.ts";

/** What passes between the tabs and the server. */
export interface Wire {
  readonly url: string;
  /** The most requests that wrote at one time. */
  most: number;
  /** Holds back the next request that writes; resolves once it is there, with what lets it go on. */
  holdNext(): Promise<() => void>;
}

export interface TabSite {
  readonly browser: Browser;
  readonly wire: Wire;
  /** What the server holds. */
  readonly store: ReturnType<typeof openStore>;
  /** Opens a tab in a renderer of its own, and waits until its run is open. */
  open(options: Omit<TabOptions, "server">): Promise<OpenTab>;
  /** Starts a worker in a tab; resolves with the status of its run at its end. */
  startWorker(tab: OpenTab, options: Omit<TabOptions, "server">): Promise<string>;
  close(): Promise<void>;
}

export interface OpenTab {
  readonly page: Page;
  /** The process of its renderer. */
  pid(): Promise<number>;
  /** What the tab offers, called there. */
  does<T>(work: (tab: Tab) => T | Promise<T>): Promise<T>;
}

export async function openTabSite(): Promise<TabSite> {
  const store = openStore(memoryStore());
  const server = await serve({ store, port: 0 });
  const ended = new Map<string, (status: string) => void>();
  const host = await hostPage("tabs", (_, body) => {
    const { key, status } = body as { key: string; status: string };
    ended.get(key)?.(status);
  });
  const [wire, closeWire] = await openWire(server.url);
  const browser = await puppeteer.launch({
    executablePath: chromium() as string,
    headless: true,
    args: CHROMIUM_FLAGS,
  });
  const told = new Set<number>();
  const query = (options: Omit<TabOptions, "server">): string =>
    `?${new URLSearchParams({ ...options, server: wire.url })}`;
  return {
    browser,
    wire,
    store,
    async open(options) {
      const tab = await browser.newPage();
      await tab.goto(host.url + query(options));
      await tab.waitForFunction(() => "page" in globalThis);
      return {
        page: tab,
        async pid() {
          const pid = await rendererOf(browser, tab);
          told.add(pid);
          return pid;
        },
        does: async (work) => (await tab.evaluate(`(${work})(globalThis.page)`)) as never,
      };
    },
    async startWorker(tab, options) {
      const status = new Promise<string>((resolve) => ended.set(options.key, resolve));
      await tab.page.evaluate((url) => void new Worker(url, { type: "module" }), `/page.js${query(options)}`);
      return await status;
    },
    async close() {
      // A renderer that a failed test left stopped would outlive its browser.
      for (const pid of told) if (existsSync(`/proc/${pid}`)) process.kill(pid, "SIGCONT");
      await browser.close();
      await Promise.all([host.close(), closeWire(), server.close()]);
    },
  };
}

async function openWire(target: string): Promise<[Wire, () => Promise<void>]> {
  const pass = gate(target, () => undefined);
  let together = 0;
  let hold: ((letGo: () => void) => void) | undefined;
  const site = await listen((request, response) => {
    if (request.method !== "POST") return pass(request, response);
    together += 1;
    wire.most = Math.max(wire.most, together);
    response.once("close", () => {
      together -= 1;
    });
    const held = hold;
    hold = undefined;
    if (held === undefined) pass(request, response);
    else held(() => pass(request, response));
  });
  const wire: Wire = {
    url: `http://127.0.0.1:${site.port}`,
    most: 0,
    holdNext: () =>
      new Promise((resolve) => {
        hold = resolve;
      }),
  };
  return [wire, () => site.close()];
}

/** The one that works hardest while the tab counts for a while: no protocol tells it. */
async function rendererOf(browser: Browser, tab: Page): Promise<number> {
  const before = new Map((await renderers(browser)).map((pid) => [pid, ticksOf(pid)]));
  await tab.evaluate(() => {
    for (const end = performance.now() + 500; performance.now() < end; );
  });
  const worked = [...before].map(([pid, ticks]) => ({ pid, ticks: ticksOf(pid) - ticks }));
  const [hardest, next] = worked.sort((one, other) => other.ticks - one.ticks);
  const sure = hardest !== undefined && hardest.ticks > 3 * (next?.ticks ?? 0) + 5;
  return sure ? hardest.pid : await rendererOf(browser, tab);
}

/** Processor time of a process so far; Linux only. */
function ticksOf(pid: number): number {
  const path = `/proc/${pid}/stat`;
  // One of a page that was closed before may end meanwhile.
  const [, after = ""] = existsSync(path) ? readFileSync(path, "utf8").split(") ") : [];
  const fields = after.split(" ");
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

async function renderers(browser: Browser): Promise<number[]> {
  const devtools = await browser.target().createCDPSession();
  const { processInfo } = await devtools.send("SystemInfo.getProcessInfo");
  await devtools.detach();
  return processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
}

/** 0, 1, … */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, step) => step);
}
