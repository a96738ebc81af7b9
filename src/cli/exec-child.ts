import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { closeWriteEnds, openPipes } from "./exec-pipes.ts";
import { lastTold, scriptArguments, tellingDescriptor } from "./exec-script.ts";

/** How a command ended. */
export interface CommandEnd {
  /** The code that a shell would give: its own, 128 + n for a signal, 127 and 126 for what cannot be run. */
  readonly code: number;
  /** The signal that ended it. */
  readonly signal?: NodeJS.Signals;
  /** Why it failed; undefined when it did not. */
  readonly message?: string;
  /** The tracked variables at a script's end; undefined when it could not tell them, or was no script. */
  readonly variables?: readonly (readonly [name: string, value: string])[];
}

/** What is done with its output; the next chunk is read when the promise resolves. */
export interface CommandOutput {
  readonly stdout: (chunk: Uint8Array) => Promise<void>;
  readonly stderr: (chunk: Uint8Array) => Promise<void>;
}

const forwarded = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs a command to the end of its output: one argument as a script of `sh`, several as they are. It reads this
 * process's stdin. Signals to this process reach the command, and its own end decides.
 */
export async function runCommand(
  command: readonly string[],
  env: NodeJS.ProcessEnv,
  output: CommandOutput,
): Promise<CommandEnd> {
  const script = command.length === 1;
  const [program, ...rest] = script
    ? ["sh", ...scriptArguments(command[0] as string, process.execPath)]
    : (command as readonly [string, ...string[]]);
  const between = Array.from({ length: tellingDescriptor - 3 }, () => "ignore" as const);
  const pipes = openPipes();
  const [out, err] = pipes?.map(({ writeEnd }) => writeEnd) ?? [];
  const telling = script ? [...between, "pipe" as const] : [];
  const stdio: StdioOptions = ["inherit", out ?? "pipe", err ?? "pipe", ...telling];
  // At a terminal a group of its own could not read what is typed, and ^C reaches the whole group as it is.
  const ownGroup = !process.stdin.isTTY && process.platform !== "win32";
  const child = spawn(program, rest, { env, stdio, detached: ownGroup });
  closeWriteEnds(pipes ?? []);
  const stop = forwardSignals(child, ownGroup);
  try {
    const ended = endOf(child, program);
    const told = textOf((child.stdio as readonly unknown[])[tellingDescriptor] as Readable | undefined);
    const [stdout, stderr] = pipes?.map(({ readEnd }) => readEnd) ?? [child.stdout, child.stderr];
    await Promise.all([pump(stdout, output.stdout), pump(stderr, output.stderr)]);
    const end = await ended;
    const variables = lastTold(await told);
    return { ...end, ...(variables !== undefined && { variables }) };
  } finally {
    stop();
  }
}

async function pump(
  stream: Readable | null | undefined,
  take: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  try {
    for await (const chunk of stream ?? []) await take(chunk as Uint8Array);
  } catch (error) {
    // Whoever read our output has left: the command learns it the same way.
    if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
  }
}

async function textOf(stream: Readable | undefined): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of stream ?? []) parts.push(chunk as Uint8Array);
  return Buffer.concat(parts).toString("utf8");
}

function endOf(child: ChildProcess, program: string): Promise<CommandEnd> {
  return new Promise((resolve) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      if (child.pid !== undefined) return;
      const missing = error.code === "ENOENT";
      const message = missing
        ? `there is no command '${program}'`
        : `cannot run '${program}': ${error.message}`;
      resolve({ code: missing ? 127 : 126, message });
    });
    child.once("exit", (code, signal) => {
      if (signal !== null)
        resolve({ code: 128 + constants.signals[signal], signal, message: `ended by ${signal}` });
      else resolve({ code: code ?? 1, ...(code !== 0 && { message: `ended with exit code ${code}` }) });
    });
  });
}

function forwardSignals(child: ChildProcess, ownGroup: boolean): () => void {
  const forward = (signal: NodeJS.Signals): void => {
    if (child.pid === undefined || (!ownGroup && signal === "SIGINT")) return;
    try {
      process.kill(ownGroup ? -child.pid : child.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // it has just ended
    }
  };
  for (const signal of forwarded) process.on(signal, forward);
  return () => {
    for (const signal of forwarded) process.off(signal, forward);
  };
}
