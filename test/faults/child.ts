/** Scripts of `test/faults/scripts` as processes of their own, which die with their test file at the latest. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

/** How a script ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A script that runs. */
export interface Script {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves with the first line that it prints. */
  firstLine(): Promise<string>;
}

export interface ScriptOptions {
  /** The program with its first arguments, the script among them. @default Node with `scripts/<name>.ts` */
  readonly program?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Another user to run it as; only root can. */
  readonly uid?: number;
  /** Told of each line that the script writes to file descriptor 3. */
  readonly told?: (line: string) => void;
}

/** Settings of the machine that tests run on must not reach a script. */
const foreign = /^(RUNLOG_|MLFLOW_|MAGNUS_TRACK_|NODE_OPTIONS$|FORCE_COLOR$|VITEST)/;

const running = new Set<ChildProcess>();
const killAll = (): void => {
  for (const child of running) child.kill("SIGKILL");
};
// Also after a test that ran out of time.
afterAll(killAll);
process.once("exit", killAll);

/** Starts `scripts/<name>.ts`. */
export function startScript(name: string, options: ScriptOptions = {}): Script {
  const file = fileURLToPath(new URL(`./scripts/${name}.ts`, import.meta.url));
  const inherited = Object.entries(process.env).filter(([variable]) => !foreign.test(variable));
  const [command = "", ...first] = options.program ?? [process.execPath, "--no-warnings", file];
  const child = spawn(command, [...first, ...(options.args ?? [])], {
    env: { ...Object.fromEntries(inherited), ...options.env },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(options.uid !== undefined && { uid: options.uid }),
  });
  running.add(child);
  const lines = createInterface({ input: child.stdio[3] as Readable });
  lines.on("line", (line) => options.told?.(line));
  const out = textOf(child.stdout as Readable);
  const errors = textOf(child.stderr as Readable);
  const ended = (async (): Promise<Ended> => {
    const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    running.delete(child);
    return { code, signal, stdout: out.text(), stderr: errors.text() };
  })();
  return {
    child,
    ended,
    async firstLine() {
      while (!out.text().includes("\n")) {
        const more = await Promise.race([once(child.stdout as Readable, "data"), ended]);
        if ("stderr" in more) throw new Error(`the script ended and printed nothing: ${more.stderr}`);
      }
      return out.text().split("\n", 1)[0] as string;
    },
  };
}

/** Runs `scripts/<name>.ts` to its end. */
export function runScript(name: string, options?: ScriptOptions): Promise<Ended> {
  return startScript(name, options).ended;
}

function textOf(stream: Readable): { text(): string } {
  let text = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  return { text: () => text };
}

/** A folder of its own for a test, and what removes it. */
export function temporaryFolder(): {
  readonly path: (...names: string[]) => string;
  readonly remove: () => void;
} {
  const folder = mkdtempSync(join(tmpdir(), "runlog-faults-"));
  return {
    path: (...names) => join(folder, ...names),
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** Calls `work` for each item, `width` at a time. */
export async function inParallel<T>(
  items: Iterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** All items of a list that comes piece by piece. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
