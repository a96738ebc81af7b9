import { type Browser, type Page, chromium as playwright } from "playwright";
import { memoryStore } from "runlog";
import { type Serving, serve } from "runlog/server";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type PageServer, servePage } from "../../playground/page/server.ts";
import { CHROMIUM_FLAGS } from "../browser/flags.ts";
import { chromium, needs } from "../env/find.ts";

vi.setConfig({ testTimeout: 90_000 });

/** The playground's page in a real browser, with a real run-log store behind it. */
describe.skipIf(!needs("chromium"))("the page", () => {
  const store = memoryStore();
  const said: string[] = [];
  let server: Serving;
  let site: PageServer;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    server = await serve({ store, port: 0 });
    site = await servePage(0, { runLogServer: server.url, mlflow: null });
    const executablePath = chromium();
    browser = await playwright.launch({ ...(executablePath && { executablePath }), args: CHROMIUM_FLAGS });
    page = await browser.newPage();
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(String(error)));
    await page.goto(site.url);
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
    await server?.close();
  });

  const begin = async (epochs: number): Promise<void> => {
    await page.locator("input[name=epochs]").fill(String(epochs));
    await page.getByRole("button", { name: "Train" }).click();
  };
  const ended = (): Promise<void> => page.getByText(/ has ended: \d/).waitFor();
  const newest = async (): Promise<string> => {
    for await (const { run } of store.runs({ limit: 1 })) return run;
    throw new Error("the server holds no run");
  };
  const stepsThere = async (run: string): Promise<number[]> => {
    const response = await fetch(`${server.url}/v1/runs/${run}/series?key=loss`);
    return ((await response.json()) as { step: number[] }).step;
  };
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

  test("trains, draws and delivers", async () => {
    await begin(1);
    await ended();
    await page.getByText("all 90 there").waitFor();
    expect(await stepsThere(await newest())).toEqual(upTo(44));
    expect(await page.locator(".curve").first().getAttribute("d")).toMatch(/^M0\.0 \d.*L400\.0 /);
    expect(await page.locator(".matrix td").count()).toBe(100);
  });

  test("goes on after a reload, no step missing and none twice", async () => {
    await begin(10);
    const steps = page.locator("#runs tbody tr:first-child td:nth-child(4)");
    await expect.poll(async () => Number(await steps.textContent()), { timeout: 30_000 }).toBeGreaterThan(60);
    await page.reload();
    await page.getByText(/cut short after step \d+/).waitFor();
    await ended();
    await page.getByText("all 900 there").waitFor();
    const run = await newest();
    expect(await stepsThere(run)).toEqual(upTo(440));
    expect(await page.locator("#runs tbody tr").count()).toBe(2);
    expect(await page.locator("#runs .SUCCESS").count()).toBe(2);
  });

  test("shows an earlier run again, and says so while its server is away", async () => {
    await page.locator("#runs .run").last().click();
    await page.getByText("after step 44").waitFor();
    await server.close();
    await begin(1);
    await ended();
    await page.getByText(/pending/).waitFor();
    await page.reload();
    server = await serve({ store, port: server.port });
    await expect.poll(() => page.getByText("all 90 there").count(), { timeout: 60_000 }).toBe(2);
  });

  test("nothing was refused by the content security policy", () => {
    expect(
      said.filter(
        (text) => /Content Security Policy|Error/.test(text) && !/ERR_CONNECTION_REFUSED/.test(text),
      ),
    ).toEqual([]);
  });
});
