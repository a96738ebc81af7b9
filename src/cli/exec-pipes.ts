import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A pipe of the kernel. */
export interface Pipe {
  /** For a child process. Close it here once the child has it, or the pipe never ends. */
  readonly writeEnd: number;
  readonly readEnd: Socket;
}

/**
 * Two pipes, for a child's stdout and stderr. What Node makes for `stdio: "pipe"` is a socket: a script that opens
 * `/dev/stdout` or `/dev/stderr` fails on one, and a writer whose reader has left gets no SIGPIPE.
 * @returns undefined where the system has no named pipes
 */
export function openPipes(): readonly [stdout: Pipe, stderr: Pipe] | undefined {
  if (process.platform === "win32") return undefined;
  const folder = mkdtempSync(join(tmpdir(), "runlog-exec-"));
  try {
    const [out, err] = [join(folder, "out"), join(folder, "err")];
    execFileSync("mkfifo", ["-m", "600", out, err], { stdio: "ignore" });
    return [open(out), open(err)];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  } finally {
    // Both ends stay open; the name was needed only to open them.
    rmSync(folder, { recursive: true, force: true });
  }
}

function open(path: string): Pipe {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, constants.O_WRONLY);
  return { writeEnd, readEnd: new Socket({ fd: descriptor, readable: true, writable: false }) };
}

/** Closes this process's write ends. */
export function closeWriteEnds(pipes: readonly Pipe[]): void {
  for (const { writeEnd } of pipes) closeSync(writeEnd);
}
