import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build as esbuild } from "esbuild";
import { build as vite } from "vite";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type OpenBrowser, openPage } from "../browser/engines.ts";
import { needs } from "../env/find.ts";
import { installed } from "./installed.ts";
import { type Site, serveSite } from "./site.ts";

const LIMIT_MILLIS = 60_000;
vi.setConfig({ testTimeout: LIMIT_MILLIS * 2 });
const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const folders: Record<string, string> = {};
/** Page -> the commits that its run names. */
const code: Record<string, string[]> = {};
let project: string;

/** A page with its scripts in files, as `script-src 'self'` demands. */
function writePage(name: string): string {
  const folder = join(project, name);
  mkdirSync(folder);
  copyFileSync(fixture("page.js"), join(folder, "page.js"));
  const scripts = '<script src="watch.js"></script><script type="module" src="./page.js"></script>';
  writeFileSync(join(folder, "index.html"), `<!doctype html><title>${name}</title>${scripts}`);
  return folder;
}

/** A commit of what is in a folder; gives its hash. */
function commit(folder: string): string {
  const git = (...args: string[]): string =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.com", ...args], {
      cwd: folder,
      encoding: "utf8",
    }).trim();
  git("init", "-q");
  git("add", "page.js");
  git("commit", "-q", "-m", "first");
  return git("rev-parse", "HEAD");
}

async function makeVite(): Promise<string> {
  const root = writePage("vite");
  code["vite"] = [commit(root)];
  const { runlogCode } = (await import(
    pathToFileURL(join(project, "node_modules/runlog/dist/vite.js")).href
  )) as typeof import("../../src/vite.ts");
  const outDir = join(root, "out");
  mkdirSync(join(root, "public"));
  copyFileSync(fixture("watch.js"), join(root, "public", "watch.js"));
  await vite({
    root,
    base: "./",
    configFile: false,
    logLevel: "error",
    plugins: [runlogCode(root)],
    build: { outDir, reportCompressedSize: false },
  });
  return outDir;
}

async function makeEsbuild(): Promise<string> {
  const folder = writePage("esbuild");
  copyFileSync(fixture("watch.js"), join(folder, "watch.js"));
  const page = join(folder, "page.js");
  const options = {
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    logLevel: "error",
  } as const;
  await esbuild({ ...options, entryPoints: [page], outfile: page, allowOverwrite: true });
  return folder;
}

/** No build step: the page imports the one file beside it. */
function makeBundle(): string {
  const folder = writePage("bundle");
  copyFileSync(fixture("watch.js"), join(folder, "watch.js"));
  copyFileSync(join(project, "node_modules/runlog/dist/bundle.js"), join(folder, "bundle.js"));
  const code = readFileSync(fixture("page.js"), "utf8").replace(/"runlog(\/mlflow)?"/g, '"./bundle.js"');
  writeFileSync(join(folder, "page.js"), code);
  return folder;
}

function makeControl(): string {
  const folder = writePage("control");
  copyFileSync(fixture("watch.js"), join(folder, "watch.js"));
  copyFileSync(fixture("breaks-the-policy.js"), join(folder, "page.js"));
  return folder;
}

beforeAll(async () => {
  project = await installed();
  Object.assign(folders, {
    control: makeControl(),
    bundle: makeBundle(),
    esbuild: await makeEsbuild(),
    vite: await makeVite(),
  });
}, 300_000);

afterAll(() => {
  if (project !== undefined) rmSync(project, { recursive: true, force: true });
});

const engines = ["chromium", "firefox", "webkit"] as const;

describe.each(engines)("the installed package in %s under script-src 'self'", (engine) => {
  const present = needs(engine);
  let site: Site;
  let browser: OpenBrowser;

  beforeAll(async () => {
    if (!present) return;
    site = await serveSite(folders);
    browser = await openPage(engine, site.url);
  }, LIMIT_MILLIS * 2);

  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  it.skipIf(!present)("a page that breaks the policy is noticed", async () => {
    expect(await site.outcome("control", LIMIT_MILLIS)).toEqual({
      problem: "EvalError",
      violations: ["script-src eval"],
    });
  });

  it.skipIf(!present).each(["bundle", "esbuild", "vite"])(
    "%s: tracks, reloads, reads back, breaks no policy",
    async (name) => {
      expect(await site.outcome(name, LIMIT_MILLIS)).toEqual({
        id: expect.stringMatching(/^[a-z]+-[a-z]+-\d{4}-/),
        storage: "disk",
        kinds: ["mlflow", "runlog"],
        statuses: ["SUCCESS"],
        code: code[name] ?? [],
        value: [1, 1 / 2, 1 / 3],
        rich: ["0,1", "1,1", "2,1"],
        violations: [],
      });
    },
  );
});
