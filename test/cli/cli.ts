import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll } from "vitest";

/** Runs the command line as a process of its own. */

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const folder = temporaryFolder();
let bundled: Promise<string> | undefined;
afterAll(folder.remove);

/** The command line in one file, which starts five times faster than its sources. */
export function program(): Promise<string> {
  bundled ??= bundle();
  return bundled;
}

async function bundle(): Promise<string> {
  const outfile = folder.path("runlog.mjs");
  await build({
    entryPoints: [main],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "warning",
  });
  return outfile;
}

/** Settings of the machine that tests run on must not reach the program. */
const foreign = /^(RUNLOG_|MLFLOW_|MAGNUS_TRACK_|NODE_OPTIONS$|FORCE_COLOR$)/;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What it reads on stdin. */
  readonly input?: string;
}

/** Runs `runlog ...args` to its end. */
export async function cli(args: readonly string[], options: CliOptions = {}): Promise<Ended> {
  return await run([await program(), ...args], options);
}

/** Runs a script, by its path and arguments, to its end. */
export async function run(script: readonly string[], options: CliOptions = {}): Promise<Ended> {
  const { child, ended } = start(script, options);
  child.stdin.end(options.input ?? "");
  return await ended;
}

/** A program that stays until it is told to end. */
export interface Serving {
  readonly url: string;
  /** Interrupts it; gives how it ended. */
  stop(): Promise<Ended>;
}

/** Starts `runlog serve ...args`; resolves once it has said where it is. */
export async function serving(args: readonly string[]): Promise<Serving> {
  const { child, ended } = await begin(["serve", ...args], {});
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString().trim()));
    void ended.then(({ stderr }) => reject(new Error(`runlog serve ended at once: ${stderr}`)));
  });
  return {
    url,
    stop() {
      child.kill("SIGTERM");
      return ended;
    },
  };
}

/** Starts `runlog ...args`. */
export async function begin(args: readonly string[], options: CliOptions): Promise<Started> {
  return start([await program(), ...args], options);
}

export interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
}

function start(script: readonly string[], { env = {}, cwd }: CliOptions): Started {
  const inherited = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  const child = spawn(process.execPath, script, {
    env: { ...Object.fromEntries(inherited), ...env },
    ...(cwd !== undefined && { cwd }),
  });
  // The program dies with the tests, whatever happens to them.
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      process.off("exit", kill);
      resolve({ code, stdout: stdout(), stderr: stderr() });
    });
  });
  return { child, ended };
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  return () => text;
}

/** A folder of its own for a test, and what removes it. */
export function temporaryFolder(): { readonly path: (name: string) => string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "runlog-cli-"));
  return {
    path: (name) => join(folder, name),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
