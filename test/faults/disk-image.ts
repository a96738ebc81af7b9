/** A disk that loses its power: an ext4 in a file, of which a copy holds only what was flushed. Needs root. */
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Disk {
  /** Where it is mounted. */
  readonly path: string;
  /** Takes its power away at this moment, and mounts what is left at the same place. */
  cut(): Promise<void>;
  /** Unmounts it, also in the middle of a failure. */
  remove(): Promise<void>;
}

/** @param folder its image and mount go there; @param megabytes its size */
export async function makeDisk(folder: string, megabytes = 64): Promise<Disk> {
  const image = join(folder, "disk.img");
  const left = join(folder, "left.img");
  const path = join(folder, "mounted");
  await mkdir(path, { recursive: true });
  await run("truncate", ["-s", `${megabytes}M`, image]);
  await run("mkfs.ext4", ["-q", "-F", image]);
  await run("mount", ["-o", "loop", image, path]);
  return {
    path,
    async cut() {
      // The system still holds unflushed pages of the mount; the image has none of them.
      await run("cp", ["--sparse=always", image, left]);
      await run("umount", ["-l", path]);
      await run("mount", ["-o", "loop", left, path]);
    },
    async remove() {
      await run("umount", ["-l", path]).catch((error: Error) => {
        process.stderr.write(`${path} stays mounted: ${error.message}\n`);
      });
    },
  };
}
