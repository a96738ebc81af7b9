import { closeSync, openSync, readSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Line } from "./runner.ts";

/** What the worker writes, read while it works: it may hang for good, or be gone in the middle of a test. */
export interface Log {
  readonly path: string;
  /** The lines since the last call. */
  take(): Line[];
  /**
   * Gives `see` each line until `run` ends. Ends the worker where a mutant holds it up for good, which counts as a
   * timeout, and where one left something behind.
   */
  watch(run: Promise<unknown>, see: (line: Line) => void): Promise<void>;
  /** Ends the worker, where there is one. */
  end(): void;
}

/** Beyond the time limit of a test, for its hooks. */
const graceMs = 12_000;

export function createLog(path: string): Log {
  writeFileSync(path, "");
  let read = 0;
  let rest = "";
  let worker: number | undefined;
  const take = (): Line[] => {
    const fd = openSync(path, "r");
    const bytes = Buffer.alloc(1_048_576);
    for (;;) {
      const count = readSync(fd, bytes, 0, bytes.length, read);
      if (count === 0) break;
      read += count;
      rest += bytes.toString("latin1", 0, count);
    }
    closeSync(fd);
    const lines = rest.split("\n");
    rest = lines.pop() as string;
    const told = lines.map((line) => JSON.parse(line) as Line);
    worker = told.at(-1)?.pid ?? worker;
    return told;
  };
  return {
    path,
    take,
    async watch(run, see) {
      let last: Line | undefined;
      let since = performance.now();
      let dirty: number | undefined;
      const look = (): void => {
        for (const line of take()) {
          see(line);
          last = line;
          since = performance.now();
          if ("dirty" in line) dirty = line.pid;
        }
      };
      let over = false;
      const done = run.finally(() => {
        over = true;
      });
      while (!over) {
        await Promise.race([done, sleep(200)]);
        look();
        if (last === undefined || performance.now() - since < last.limit + graceMs) continue;
        end(last.pid);
        break;
      }
      await done;
      look();
      // Whatever took the worker away did so while this one was awake.
      if (last !== undefined && "begins" in last) {
        see({ ...last, mutant: last.begins, came: "timeout" });
      }
      if (dirty !== undefined) end(dirty);
    },
    end() {
      if (worker !== undefined) end(worker);
    },
  };
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
