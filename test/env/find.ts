/**
 * Finds the real parts that tests run against: browsers and Python environments.
 * Each function gives a path, or `undefined` where the part is missing on this machine.
 */
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium as playwrightChromium } from "playwright";

/** Folder with the Python environments that `npm test` makes; ignored by git. */
export const ENVIRONMENTS: string = fileURLToPath(new URL("../../.env-test/", import.meta.url));

/** The Python environments, each with what its name says. */
export type PythonEnvironment = "mlflow" | "magnus" | "runnable" | "wandb" | "wandb-old";

/** Names that `needs` and `finders` know. */
export type Part = PythonEnvironment | "chromium" | "firefox" | "webkit" | "strace" | "loop" | "tmpfs";

/** The Python interpreter of `.env-test/<name>`, where that environment is complete. */
export function python(name: PythonEnvironment): string | undefined {
  const path = join(ENVIRONMENTS, name, "bin", "python");
  return existsSync(path) && existsSync(join(ENVIRONMENTS, name, "ready")) ? path : undefined;
}

/** Chromium: `RUNLOG_CHROMIUM`, the system's, or Playwright's own download. */
export function chromium(): string | undefined {
  return (
    asked("RUNLOG_CHROMIUM") ??
    onPath("chromium", "chromium-browser", "google-chrome", "google-chrome-stable") ??
    existing(playwrightChromium.executablePath())
  );
}

/** Firefox: `RUNLOG_FIREFOX`, or the system's. Playwright's build is patched and speaks no WebDriver BiDi. */
export function firefox(): string | undefined {
  return asked("RUNLOG_FIREFOX") ?? onPath("firefox-esr", "firefox");
}

/** What starts WebKit: its driver, the small browser it drives and, off a desktop, a virtual display. */
export interface WebKit {
  readonly driver: string;
  readonly browser: string;
  readonly xvfb: string;
}

/** WebKitGTK's driver with its MiniBrowser and `xvfb-run`; `undefined` unless all three are there. */
export function webkit(): WebKit | undefined {
  const driver = onPath("WebKitWebDriver");
  const xvfb = onPath("xvfb-run");
  const browser = miniBrowser();
  return driver && xvfb && browser ? { driver, browser, xvfb } : undefined;
}

/** strace, which ends a program at a chosen system call. Linux only. */
export function strace(): string | undefined {
  return onPath("strace");
}

/** What makes a file a disk: root, loop devices and ext4. Linux only. */
export function loop(): true | undefined {
  const tools = ["mkfs.ext4", "mount", "umount"].every((name) => onPath(name) !== undefined);
  return tools && process.getuid?.() === 0 && existsSync("/dev/loop-control") ? true : undefined;
}

/** What mounts small disks in memory: root. Linux only. */
export function tmpfs(): true | undefined {
  const tools = ["mount", "umount"].every((name) => onPath(name) !== undefined);
  return tools && process.platform === "linux" && process.getuid?.() === 0 ? true : undefined;
}

/** True where a missing part must fail the tests rather than skip them. */
export function strict(): boolean {
  return process.env.CI === "true";
}

/**
 * Gate for a suite that needs a real part: `describe.skipIf(!needs("mlflow"))(...)`.
 * @returns whether the part is here; when it is not, says so in one line
 * @throws where the part is missing and `CI=true`
 */
export function needs(part: Part): boolean {
  if (FINDERS[part]() !== undefined) return true;
  const message = `${part} is not on this machine: run \`npm test\` once with network access, which fetches it`;
  if (strict()) throw new Error(`${message} (CI=true turns this skip into a failure)`);
  process.stderr.write(`skipped: ${message}\n`);
  return false;
}

const FINDERS: Record<Part, () => unknown> = {
  mlflow: () => python("mlflow"),
  magnus: () => python("magnus"),
  runnable: () => python("runnable"),
  wandb: () => python("wandb"),
  "wandb-old": () => python("wandb-old"),
  chromium,
  firefox,
  webkit,
  strace,
  loop,
  tmpfs,
};

function asked(variable: string): string | undefined {
  const path = process.env[variable];
  if (path === undefined || path === "") return undefined;
  if (existsSync(path)) return path;
  throw new Error(`${variable} names ${path}, which does not exist`);
}

function existing(path: string): string | undefined {
  return existsSync(path) ? path : undefined;
}

function onPath(...names: string[]): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(executable);
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function miniBrowser(): string | undefined {
  for (const root of ["/usr/lib", "/usr/lib64", "/usr/libexec"]) {
    if (!existsSync(root)) continue;
    const folders = [root, ...readdirSync(root).map((name) => join(root, name))];
    for (const folder of folders) {
      for (const api of ["webkit2gtk-4.1", "webkit2gtk-4.0", "webkitgtk-6.0"]) {
        const path = join(folder, api, "MiniBrowser");
        if (existsSync(path)) return path;
      }
    }
  }
  return undefined;
}
