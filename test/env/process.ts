/** Programs that tests start: each in a process group of its own, which dies with the test whatever happens. */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";

/** How to start a program. `env` is added to this process's environment. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

/** A started program. */
export interface Started {
  /** Process group: the program and all its children. */
  readonly pid: number;
  /** The last 64 KiB that it printed, for error messages. */
  output(): string;
  /** Resolves when the program itself has ended. */
  readonly ended: Promise<void>;
  /** Ends the whole group: SIGTERM, then SIGKILL after `graceMillis` (5,000). */
  stop(graceMillis?: number): Promise<void>;
  /** Ends the whole group at once, as a crash would. */
  kill(): Promise<void>;
}

// A watcher reads a pipe from us: when this process dies, even by SIGKILL, the pipe closes and the group goes.
// The shell itself ignores SIGTERM, so that "ended" means that the program has ended.
const GUARD = `
  exec 3<&0
  "$@" </dev/null 3<&- & program=$!
  { cat <&3; kill -KILL -$$; } >/dev/null &
  trap "" TERM
  wait $program`;
const KEPT = 64 * 1024;

/** Starts a program (POSIX only). It ends with this process at the latest. */
export function start({ command, args, env = {}, cwd }: Launch): Started {
  const child = spawn("sh", ["-c", GUARD, "sh", command, ...args], {
    detached: true,
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
    stdio: ["pipe", "pipe", "pipe"],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`could not start ${command}: no shell`);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  void ended.then(() => child.stdin.destroy());
  const group = (signal: NodeJS.Signals): void => signalGroup(pid, signal);
  const kill = async (): Promise<void> => {
    group("SIGKILL");
    await ended;
  };
  const stop = async (graceMillis = 5_000): Promise<void> => {
    group("SIGTERM");
    await Promise.race([ended, delay(graceMillis)]);
    await kill();
  };
  return { pid, output: tail(child), ended, stop, kill };
}

/** A port that was free a moment ago. Prefer handing port 0 to the program where it can report its choice. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === "string") throw new Error("the system gave no port");
  return address.port;
}

/** Waits until `url` answers 200; fails when the program ends first or after `limitMillis`. */
export async function answering(started: Started, url: string, limitMillis: number): Promise<void> {
  let gone = false;
  void started.ended.then(() => {
    gone = true;
  });
  const deadline = Date.now() + limitMillis;
  while (!gone && Date.now() < deadline) {
    if (await answers(url)) return;
    await delay(50);
  }
  await started.kill();
  const why = gone ? "ended before it answered" : `did not answer within ${limitMillis} ms`;
  throw new Error(`${url} ${why}; it printed:\n${started.output()}`);
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false; // refused or slow: not up yet
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // ESRCH: the group is gone already
  }
}

function tail(child: ChildProcess): () => string {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-KEPT);
    });
  }
  return () => text;
}

function delay(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
