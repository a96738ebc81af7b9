import { createHash } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../errors.ts";

/** A file of the catalog that output is written to as it comes. */
export interface ExecutionLog {
  write(chunk: Uint8Array): void;
  /** What was written; undefined when the disk refused some of it. */
  close(): { readonly name: string; readonly sha256: string; readonly size: number } | undefined;
}

/**
 * Opens `<store>/.catalog/<run>/<task>.execution.log`, the name under which magnus keeps a task's output; with a number
 * where an earlier execution of that task has taken it. A log that cannot be written is told, never fatal.
 */
export function openExecutionLog(
  store: string,
  run: string,
  task: string,
  tell: (problem: string) => void,
): ExecutionLog {
  const hash = createHash("sha256");
  let size = 0;
  let file: { readonly name: string; readonly descriptor: number } | undefined;
  const failed = (error: unknown): void => {
    tell(`the output of '${task}' is not kept: ${messageOf(error)}`);
    if (file !== undefined) closeSync(file.descriptor);
    file = undefined;
  };
  try {
    file = create(join(store, ".catalog", run), fileName(task));
  } catch (error) {
    failed(error);
  }

  return {
    write(chunk) {
      if (file === undefined) return;
      try {
        // At once, not behind a promise: both streams write here, and the order of bytes is the order of the hash.
        for (let at = 0; at < chunk.length; ) at += writeSync(file.descriptor, chunk, at);
        hash.update(chunk);
        size += chunk.length;
      } catch (error) {
        failed(error);
      }
    },
    close() {
      if (file === undefined) return undefined;
      try {
        fsyncSync(file.descriptor);
      } catch (error) {
        failed(error);
        return undefined;
      }
      closeSync(file.descriptor);
      return { name: file.name, sha256: hash.digest("hex"), size };
    },
  };
}

function create(folder: string, base: string): { name: string; descriptor: number } {
  mkdirSync(folder, { recursive: true });
  for (let n = 1; ; n++) {
    const name = `${base}${n === 1 ? "" : `-${n}`}.execution.log`;
    try {
      return { name, descriptor: openSync(join(folder, name), "wx") };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

/** A task's name as the name of a file: without what separates paths or means something to a file system. */
function fileName(task: string): string {
  const safe = task.replace(/[\\/:*?"<>| ]/g, "_").replace(/^\./, "_");
  return Buffer.from(safe).subarray(0, 200).toString("utf8").replaceAll("\ufffd", "");
}
