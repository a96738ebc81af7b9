/** Makes the Python environments in `.env-test/`, once for each set of pins. */
import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { ENVIRONMENTS, type PythonEnvironment } from "./find.ts";

const run = promisify(execFile);
const INSTALL_LIMIT_MILLIS = 900_000;

/** Environment -> what is in it. Apart, because their dependencies need not agree. */
const PINS: Record<PythonEnvironment, readonly string[]> = {
  mlflow: ["mlflow==3.17.2"],
  magnus: ["magnus==0.5.1", "pydantic==2.14.3"],
  runnable: ["runnable==0.50.0", "pydantic==2.14.3"],
  wandb: ["wandb==0.31.0"],
  // The last ones with a reader of its files in Python.
  "wandb-old": ["wandb==0.19.11"],
};

/**
 * Makes every environment that is missing or has other pins, one after the other.
 * @returns one line for each that could not be made
 */
export async function preparePython(): Promise<string[]> {
  const problems: string[] = [];
  for (const [name, pins] of Object.entries(PINS)) {
    try {
      await prepare(name, pins);
    } catch (error) {
      problems.push(`no Python environment "${name}" (${pins.join(", ")}): ${reason(error)}`);
    }
  }
  return problems;
}

async function prepare(name: string, pins: readonly string[]): Promise<void> {
  const folder = join(ENVIRONMENTS, name);
  const mark = join(folder, "ready");
  if ((await readFile(mark, "utf8").catch(() => "")) === pins.join("\n")) return;
  process.stderr.write(`making .env-test/${name} (once): ${pins.join(", ")}\n`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(ENVIRONMENTS, { recursive: true });
  await run(process.env.PYTHON ?? "python3", ["-m", "venv", folder]);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", ...pins];
  await run(join(folder, "bin", "python"), pip, { timeout: INSTALL_LIMIT_MILLIS, maxBuffer: 1 << 26 });
  await writeFile(mark, pins.join("\n"));
}

function reason(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return (stderr || message).trim().split("\n").at(-1) ?? message;
}
