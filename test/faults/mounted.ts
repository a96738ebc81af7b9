/** A small disk in memory, mounted: it is full in earnest, and can be made read-only. Needs root. */
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Mounted {
  readonly path: string;
  /** Makes it read-only, or writable again. Fails while a file of it is open for writing. */
  remount(how: "ro" | "rw"): Promise<void>;
  /** Unmounts it, also in the middle of a failure. */
  remove(): Promise<void>;
}

export async function mountTmpfs(path: string, size: string): Promise<Mounted> {
  await mkdir(path, { recursive: true });
  await run("mount", ["-t", "tmpfs", "-o", `size=${size},mode=755`, "tmpfs", path]);
  return {
    path,
    async remount(how) {
      await run("mount", ["-o", `remount,${how}`, path]);
    },
    async remove() {
      await run("umount", ["-l", path]).catch((error: Error) => {
        process.stderr.write(`${path} stays mounted: ${error.message}\n`);
      });
    },
  };
}
