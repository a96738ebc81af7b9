/** Opens a page in a real browser. One small driver for each engine; all end with `close`, also after a failure. */
import { chromium as playwrightChromium } from "playwright";
import puppeteer from "puppeteer-core";
import { chromium, firefox } from "../env/find.ts";
import { CHROMIUM_FLAGS } from "./flags.ts";
import { openWebKit } from "./webkit.ts";

/** A browser with one page open. */
export interface OpenBrowser {
  close(): Promise<void>;
}

/** The engines, by the name that `needs` knows. */
export type Engine = "chromium" | "firefox" | "webkit";

/**
 * Opens `url` in a fresh profile, headless.
 * @throws where the browser is missing (ask `needs(engine)` first) or does not start
 */
export function openPage(engine: Engine, url: string): Promise<OpenBrowser> {
  return OPENERS[engine](url);
}

const OPENERS: Record<Engine, (url: string) => Promise<OpenBrowser>> = {
  chromium: openChromium,
  firefox: openFirefox,
  webkit: openWebKit,
};

async function openChromium(url: string): Promise<OpenBrowser> {
  const browser = await playwrightChromium.launch({
    executablePath: found("chromium", chromium()),
    args: CHROMIUM_FLAGS,
  });
  return await visit(browser, async () => void (await (await browser.newPage()).goto(url)));
}

/** Firefox over WebDriver BiDi, its own protocol: no patched build is needed. */
async function openFirefox(url: string): Promise<OpenBrowser> {
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: found("firefox", firefox()),
    headless: true,
  });
  return await visit(browser, async () => void (await (await browser.newPage()).goto(url)));
}

async function visit(browser: OpenBrowser, go: () => Promise<void>): Promise<OpenBrowser> {
  try {
    await go();
  } catch (error) {
    await browser.close();
    throw error;
  }
  return { close: () => browser.close() };
}

function found(engine: Engine, path: string | undefined): string {
  if (path === undefined) throw new Error(`${engine} is not on this machine`);
  return path;
}
