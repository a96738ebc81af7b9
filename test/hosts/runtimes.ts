/**
 * Runtimes other than Node, in the versions that are tested: npm packages that carry a binary, fetched once into the
 * ignored `.env-test`.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { ENVIRONMENTS, strict } from "../env/find.ts";

const run = promisify(execFile);

/** A name that `runtime` knows; also the package's and its command's. */
export type RuntimeName = "deno" | "bun" | "workerd";

const VERSIONS: Record<RuntimeName, string> = { deno: "2.9.6", bun: "1.4.5", workerd: "1.20261117.1" };
const LIMIT_MILLIS = 300_000;

/**
 * Path of the runtime's program, fetched where it is not there yet.
 * @returns undefined where it cannot be had, which one line on stderr says
 * @throws where it cannot be had and `CI=true`
 */
export async function runtime(name: RuntimeName): Promise<string | undefined> {
  const version = VERSIONS[name];
  const folder = join(ENVIRONMENTS, `${name}-${version}`);
  const program = join(folder, "node_modules", ".bin", name);
  if (existsSync(program)) return program;
  try {
    await fetchInto(folder, name, version);
    return program;
  } catch (error) {
    const message = `${name} ${version} cannot be had from npm: ${lastLine(error)}`;
    if (strict()) throw new Error(`${message} (CI=true turns this skip into a failure)`);
    process.stderr.write(`skipped: ${message}\n`);
    return undefined;
  }
}

/** Makes the folder under another name first, so that a test file beside this one sees it whole or not at all. */
async function fetchInto(folder: string, name: RuntimeName, version: string): Promise<void> {
  mkdirSync(ENVIRONMENTS, { recursive: true });
  const made = mkdtempSync(join(ENVIRONMENTS, "making-"));
  try {
    const manifest = { name: "runtime", private: true, allowScripts: { [name]: true } };
    writeFileSync(join(made, "package.json"), JSON.stringify(manifest));
    const install = ["install", "--no-audit", "--no-fund", "--loglevel=error", `${name}@${version}`];
    await run("npm", install, { cwd: made, timeout: LIMIT_MILLIS });
    // The program that the package carries is of this platform only once it has run.
    await run(join(made, "node_modules", ".bin", name), ["--version"], { cwd: made });
    if (!existsSync(folder)) renameSync(made, folder);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

function lastLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split("\n").at(-1) ?? text;
}
