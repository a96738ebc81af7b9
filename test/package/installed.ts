/** The package as users get it: packed, installed into an empty project. Made once for each state of `dist`. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ENVIRONMENTS } from "../env/find.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const packages = join(ENVIRONMENTS, "package");
const npmQuiet = ["--no-audit", "--no-fund", "--loglevel=error"];

/**
 * A folder of the test's own with a project whose only dependency is the packed tarball; remove it when done.
 * `node_modules` is real, not linked.
 */
export async function installed(): Promise<string> {
  const original = await prepared();
  const project = mkdtempSync(join(tmpdir(), "runlog-installed-"));
  cpSync(original, project, { recursive: true, verbatimSymlinks: true });
  return project;
}

/** Folder to put first on PATH so that `node` is the newest of this major; 24 is the one of the tests themselves. */
export async function nodeOf(major: 22 | 24): Promise<string> {
  const folder = join(ENVIRONMENTS, `node-${major}`);
  const bin = join(folder, "node_modules", ".bin");
  if (major === 24) return join(root, "node_modules", ".bin");
  if (!existsSync(join(bin, "node"))) {
    await intoPlace(folder, async (made) => {
      writeProject(made, { allowScripts: { node: true } });
      await run("npm", ["install", ...npmQuiet, `node@${major}`], { cwd: made });
    });
  }
  return bin;
}

/** The installed project that all copies are made from. */
async function prepared(): Promise<string> {
  await run("node", ["test/house/build.ts", "--if-stale"], { cwd: root });
  const folder = join(packages, fingerprint());
  if (existsSync(folder)) return folder;
  const older = existsSync(packages) ? readdirSync(packages) : [];
  await intoPlace(folder, async (made) => {
    const pack = ["pack", "--ignore-scripts", "--json", "--pack-destination", made];
    const { stdout } = await run("npm", pack, { cwd: root, maxBuffer: 1 << 26 });
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
    writeProject(made, {});
    await run("npm", ["install", ...npmQuiet, `./${filename}`], { cwd: made });
  });
  for (const name of older) rmSync(join(packages, name), { recursive: true, force: true });
  return folder;
}

function writeProject(folder: string, extra: object): void {
  const manifest = { name: "consumer", private: true, type: "module", ...extra };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
}

/** Makes a folder under another name first, so that a test file beside this one sees it whole or not at all. */
async function intoPlace(folder: string, make: (folder: string) => Promise<void>): Promise<void> {
  mkdirSync(packages, { recursive: true });
  const made = mkdtempSync(join(ENVIRONMENTS, "making-"));
  try {
    await make(made);
    if (!existsSync(folder)) renameSync(made, folder);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

/** Changes with everything that goes into the tarball. */
function fingerprint(): string {
  const hash = createHash("sha256").update(readFileSync(join(root, "package.json")));
  for (const path of readdirSync(join(root, "dist"), { recursive: true, encoding: "utf8" }).sort()) {
    if (/\.(js|ts)$/.test(path)) hash.update(path).update(readFileSync(join(root, "dist", path)));
  }
  return hash.digest("hex").slice(0, 16);
}
