import { readFileSync, rmSync } from "node:fs";
import type { Browser, BrowserContext } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { needs } from "../env/find.ts";
import { installed } from "../package/installed.ts";
import { chartShows, listedRuns, openBrowser, openNotebook, runOfCard, statusesBecome } from "./browsing.ts";
import { type Built, buildNotebooks, type Served, serveFolder, type Tool } from "./build.ts";

vi.setConfig({ testTimeout: 120_000 });
const present = needs("chromium");
const patient = { timeout: 20_000 };
/** Points of one training's loss. */
const points = 40;
let project: string | undefined;
let built: Record<Tool, Built>;
let browser: Browser | undefined;

beforeAll(async () => {
  if (!present) return;
  project = await installed();
  built = await buildNotebooks(project);
  browser = await openBrowser();
}, 300_000);

afterAll(async () => {
  await browser?.close();
  if (project !== undefined) rmSync(project, { recursive: true, force: true });
});

describe.skipIf(!present).each(["Notebook Kit", "Framework"] as const)("an example built with %s", (tool) => {
  let served: Served;
  let context: BrowserContext;
  let url: string;

  beforeEach(async () => {
    served = await serveFolder(built[tool].folder);
    url = `${served.origin}/${built[tool].page}`;
    context = await (browser as Browser).newContext();
  });

  afterEach(async () => {
    await context?.close();
    await served?.close();
  });

  it("a cell re-run 20 times and a page reloaded 5 times make one run without doubled steps", async () => {
    const { page, errors } = await openNotebook(await context.newPage(), url);
    await chartShows(page, points);
    const run = await runOfCard(page);
    for (let again = 0; again < 20; again++) {
      await page.getByRole("button", { name: "Run again" }).click();
      if (again % 4 === 3) await chartShows(page, points);
    }
    await chartShows(page, points);
    for (let again = 0; again < 5; again++) {
      await page.reload();
      await chartShows(page, points);
      expect(await runOfCard(page)).toBe(run);
    }
    expect((await listedRuns(page)).map(({ id }) => id)).toEqual([run]);
    // Plot drew the rows of the picked run and the live series.
    await expect.poll(() => page.locator("[aria-label=line] path").count(), patient).toBe(3);
    expect(errors).toEqual([]);
  });

  it("a slider that changes parameters begins new runs; those that were let go close after a minute", async () => {
    const opened = await context.newPage();
    await opened.clock.install();
    const { page, errors } = await openNotebook(opened, url);
    const slide = (lr: number): Promise<void> => page.locator("input[type=range]").fill(String(lr));
    await chartShows(page, points);
    await slide(0.2);
    await statusesBecome(page, ["PROCESSING", "PROCESSING"]);
    await chartShows(page, points);
    // Equal to the first run's, but the latest one of the key is another by now.
    await slide(0.1);
    await statusesBecome(page, ["PROCESSING", "PROCESSING", "PROCESSING"]);
    await chartShows(page, points);
    await page.clock.fastForward(61_000);
    await statusesBecome(page, ["PROCESSING", "SUCCESS", "SUCCESS"]);
    expect(await runOfCard(page)).toBe((await listedRuns(page))[0]?.id);
    expect(errors).toEqual([]);
  });

  it("a key in two tabs at once: one run, and the next training leaves its own steps only", async () => {
    const pages = await Promise.all([context.newPage(), context.newPage()]);
    const [first, second] = await Promise.all(pages.map((page) => openNotebook(page, url)));
    if (first === undefined || second === undefined) throw new Error("two pages were opened");
    for (const { page } of [first, second]) await expect.poll(() => runOfCard(page), patient).not.toBe("");
    expect(await runOfCard(second.page)).toBe(await runOfCard(first.page));
    await second.page.reload();
    await chartShows(second.page, points);
    await chartShows(first.page, points);
    expect(await listedRuns(second.page)).toHaveLength(1);
    expect([...first.errors, ...second.errors]).toEqual([]);
  });

  it("without storage: trains and draws in memory, and says so", async () => {
    const opened = await context.newPage();
    await opened.addInitScript(() => {
      Object.defineProperty(globalThis, "indexedDB", { value: undefined });
    });
    const { page, errors } = await openNotebook(opened, url);
    await chartShows(page, points);
    await expect
      .poll(() => page.locator(".runlog-card").textContent(), patient)
      .toMatch("kept in memory only");
    await page.getByRole("button", { name: "Run again" }).click();
    await chartShows(page, points);
    expect(errors).toEqual([]);
  });
});

it("the README shows cells of the example", () => {
  const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  const lines = /```html\n(<script type="module">\n.*?)```/s.exec(read("README.md"))?.[1]?.split("\n") ?? [];
  const code = lines.map((line) => line.trim()).filter((line) => line !== "" && !/^<\/?script/.test(line));
  expect(code.length).toBeGreaterThan(5);
  for (const path of ["descent.html", "framework/src/index.md"]) {
    const example = read(`playground/notebooks/${path}`);
    for (const line of code) expect(example).toContain(line);
  }
});
