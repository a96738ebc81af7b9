import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { needs } from "../env/find.ts";
import { installed } from "../package/installed.ts";
import { openBrowser, openNotebook } from "./browsing.ts";
import { type Served, serveFolder } from "./build.ts";
import { makeModules, putOwnFiles } from "./modules.ts";

vi.setConfig({ testTimeout: 60_000 });
const present = needs("chromium");
const entries = ["runlog", "runlog/mlflow", "runlog/notebook", "runlog/tfjs"];
let project: string | undefined;
let served: Served | undefined;

/** Uses every entry; what came of it is the page's title. */
const script = `
import { isRunlogError, openStore, startRun, ValidationError } from "runlog";
import { mlflow } from "runlog/mlflow";
import { chart } from "runlog/notebook";
import { fitCallback } from "runlog/tfjs";

const run = startRun({ syncTo: [mlflow(location.origin + "/nothing")], quiet: true });
for (let step = 0; step < 3; step++) run.track({ loss: 1 / (step + 1), at: new Date(step) }, { step });
const { storage } = await run.finish("SUCCESS", { timeout: 1 });
document.body.append(chart(run));
const { value } = await openStore().series(run.id, "loss");
let shared;
try { fitCallback(run, { every: 0 }); } catch (error) { shared = error instanceof ValidationError; }
document.title = JSON.stringify({ storage, value: [...value], shared, branded: isRunlogError(new ValidationError("a", "b")) });
`;

/** A page whose import map leads every specifier to its module. */
function writePage(folder: string, made: Readonly<Record<string, string>>): void {
  const imports = Object.fromEntries(Object.entries(made).map(([name, file]) => [name, `./${file}`]));
  const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
  const icon = '<link rel="icon" href="data:,">';
  writeFileSync(
    join(folder, "index.html"),
    `<!doctype html>${icon}${map}<body><script type="module">${script}</script></body>`,
  );
}

beforeAll(async () => {
  if (!present) return;
  project = await installed();
  for (const way of ["built", "own"]) {
    const folder = join(project, "sites", way);
    const made = await makeModules(project, folder, entries);
    if (way === "own") putOwnFiles(project, folder, made);
    writePage(folder, made);
  }
  served = await serveFolder(join(project, "sites"));
}, 300_000);

afterAll(async () => {
  await served?.close();
  if (project !== undefined) rmSync(project, { recursive: true, force: true });
});

describe.skipIf(!present)("modules by an import map, each dependency on its own", () => {
  it.each([
    ["the package built by rollup 2 for browsers, as CDNs do", "built"],
    ["the files of the package", "own"],
  ])("%s: tracks, reads back and draws, and the core is there once", async (_, way) => {
    const browser = await openBrowser();
    try {
      const page = await browser.newPage();
      const loaded: string[] = [];
      page.on("request", (request) => void loaded.push(request.url().split("/").at(-1) ?? ""));
      const { errors } = await openNotebook(page, `${served?.origin}/${way}/index.html`);
      await page
        .waitForFunction(() => document.title !== "", undefined, { timeout: 20_000 })
        .catch(() => {
          throw new Error(`the page came to nothing: ${errors.join("; ")}`);
        });
      const outcome = { storage: "disk", value: [1, 1 / 2, 1 / 3], shared: true, branded: true };
      expect(JSON.parse(await page.title())).toEqual(outcome);
      await expect
        .poll(() => page.locator("svg").getAttribute("aria-label"), { timeout: 20_000 })
        .toMatch("loss: 3 points");
      expect(loaded.filter((file) => file === "runlog.js")).toHaveLength(1);
      expect(loaded).toEqual(expect.arrayContaining(["idb.js", "ky.js", "superjson.js", "zod-mini.js"]));
      // The MLflow server is not there; nothing else is wrong.
      expect(errors.filter((error) => !error.includes("/nothing"))).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
