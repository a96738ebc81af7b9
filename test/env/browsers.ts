/** Fetches the browsers and the tracer that tests need and this machine lacks. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { chromium, firefox, strace, webkit } from "./find.ts";

const run = promisify(execFile);
const LIMIT_MILLIS = 600_000;

/** Program -> how to find it, and Debian's packages of it. */
const PROGRAMS: Record<string, { find: () => unknown; packages: readonly string[] }> = {
  chromium: { find: chromium, packages: ["chromium"] },
  firefox: { find: firefox, packages: ["firefox-esr"] },
  webkit: { find: webkit, packages: ["webkit2gtk-driver", "xvfb", "xauth"] },
  strace: { find: strace, packages: ["strace"] },
};

/**
 * Fetches what is missing: Chromium as Playwright's own download, then Debian's packages where we are root.
 * @returns one line for each program that is still missing
 */
export async function prepareBrowsers(): Promise<string[]> {
  if (chromium() === undefined) await attempt("npx", ["playwright", "install", "chromium"]);
  const packages = missing().flatMap(([, { packages }]) => packages);
  if (packages.length > 0 && process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
    await attempt("apt-get", ["update", "-q"]);
    await attempt("apt-get", ["install", "-q", "-y", "--no-install-recommends", ...packages]);
  }
  return missing().map(([name, { packages }]) => `no ${name}: install ${packages.join(", ")} or its like`);
}

function missing(): [string, { packages: readonly string[] }][] {
  return Object.entries(PROGRAMS).filter(([, { find }]) => find() === undefined);
}

/** Runs an installer that may fail; whether it worked is asked of the finder afterwards. */
async function attempt(command: string, args: string[]): Promise<void> {
  process.stderr.write(`fetching programs: ${command} ${args.join(" ")}\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await run(command, args, { env, timeout: LIMIT_MILLIS, maxBuffer: 1 << 26 }).catch((error: Error) => {
    process.stderr.write(`  failed: ${error.message.split("\n").filter(Boolean).at(-1)}\n`);
  });
}
