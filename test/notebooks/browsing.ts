/** A browser for notebooks: pages of one profile, and what a person reads in them. */
import { type Browser, type Page, chromium as playwrightChromium } from "playwright";
import { expect } from "vitest";
import { CHROMIUM_FLAGS } from "../browser/flags.ts";
import { chromium } from "../env/find.ts";

/** Opens Chromium; close it when done. */
export function openBrowser(): Promise<Browser> {
  const executablePath = chromium();
  if (executablePath === undefined) throw new Error("chromium is not on this machine");
  return playwrightChromium.launch({ executablePath, args: CHROMIUM_FLAGS });
}

/** How a notebook's page stands. */
export interface Notebook {
  readonly page: Page;
  /** What went wrong in the page so far. */
  readonly errors: readonly string[];
}

/** A page that collects its errors. Nothing outside this machine is reachable. */
export async function openNotebook(page: Page, url: string): Promise<Notebook> {
  const errors: string[] = [];
  page.on("pageerror", (error) => void errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(`${message.text()} ${message.location().url}`);
  });
  await page.route(
    (address) => address.hostname !== "127.0.0.1",
    (route) => route.abort(),
  );
  await page.goto(url);
  return { page, errors };
}

/** Waits until the chart of the training shows `points` points up to its last one. */
export async function chartShows(page: Page, points: number): Promise<void> {
  const label = page.locator(".runlog-chart svg");
  await expect
    .poll(() => label.getAttribute("aria-label"), { timeout: 20_000 })
    .toMatch(`loss: ${points} points`);
  expect(await page.locator(".runlog-chart path.runlog-line").getAttribute("d")).toMatch(
    /^M[\d.]+,[\d.]+h0L/,
  );
}

/** The runs that the picker lists, newest first: id and status. */
export async function listedRuns(page: Page): Promise<{ id: string; status: string }[]> {
  const options = await page.locator(".runlog-picker option").all();
  const texts = await Promise.all(options.map((option) => option.textContent()));
  return texts.map((text) => {
    const parts = (text ?? "").split(" · ");
    return { id: parts[0] ?? "", status: parts.find((part) => /^[A-Z]+$/.test(part)) ?? "" };
  });
}

/** Waits until the picker lists runs with these statuses, newest first. */
export async function statusesBecome(page: Page, statuses: readonly string[]): Promise<void> {
  const listed = async (): Promise<string[]> => (await listedRuns(page)).map(({ status }) => status);
  await expect.poll(listed, { timeout: 20_000 }).toEqual(statuses);
}

/** The run that the card shows. */
export async function runOfCard(page: Page): Promise<string> {
  return (await page.locator(".runlog-card strong").first().textContent()) ?? "";
}
