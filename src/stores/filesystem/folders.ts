import { existsSync, lstatSync, mkdirSync, type Stats } from "node:fs";
import { lstat, mkdir, readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorCode, isTemporary, syncFolder, syncFolderSync } from "./durable.ts";

/**
 * The folders of a store, made with durable names. That a folder is there says nothing: who made it may have ended, or
 * failed, before its name was on disk, and a power cut would take all that is in it. So each is made durable once by
 * every instance that writes in it.
 */
export interface Folders {
  /** Makes `folder`, the store's or one below it, with all above it. */
  make(folder: string): Promise<void>;
  makeSync(folder: string): void;
}

/** A temporary file of this age was left behind by a process that was killed. */
const staleMs = 3_600_000;

/** @param root the store's folder, absolute */
export function createFolders(root: string): Folders {
  const durable = new Set<string>();
  /** What is to be made durable, from the top, after `mkdir` said what it had to make. */
  const unsure = (folder: string, made: string | undefined): string[] => {
    const levels = levelsFrom(folder, root);
    if (made !== undefined)
      for (const level of levels) if (level.length >= made.length) durable.delete(level);
    return levels.filter((level) => !durable.has(level));
  };
  return {
    async make(folder) {
      // What is above the store is durable before the store is there, so one that is there needs no look above it.
      if (!existsSync(root)) {
        const above = dirname(root);
        const made = await mkdir(above, { recursive: true });
        for (const level of levelsFrom(above))
          await syncFolder(dirname(level)).catch(whenForeign(level, made));
      }
      for (const level of unsure(folder, await mkdir(folder, { recursive: true }))) {
        if (level !== root) checkOwn(level, await lstat(level));
        await syncFolder(dirname(level));
        if (level !== root) await removeStale(level);
        durable.add(level);
      }
    },
    makeSync(folder) {
      if (!existsSync(root)) {
        const above = dirname(root);
        const made = mkdirSync(above, { recursive: true });
        for (const level of levelsFrom(above)) {
          try {
            syncFolderSync(dirname(level));
          } catch (error) {
            whenForeign(level, made)(error);
          }
        }
      }
      for (const level of unsure(folder, mkdirSync(folder, { recursive: true }))) {
        if (level !== root) checkOwn(level, lstatSync(level));
        syncFolderSync(dirname(level));
        durable.add(level);
      }
    },
  };
}

/** `folder` and those above it, the highest first: from `top` on, else all but the root of the disk. */
function levelsFrom(folder: string, top?: string): string[] {
  const levels: string[] = [];
  for (let level = folder; level !== dirname(level); level = dirname(level)) {
    levels.unshift(level);
    if (level === top) break;
  }
  return levels;
}

/** A link that somebody put where a folder of the store belongs leads out of it. */
function checkOwn(folder: string, found: Stats): void {
  if (found.isSymbolicLink())
    throw new Error(`'${folder}' is a link to another folder, which is not followed`);
}

/** Folders that were there before may be other people's, or of a kind that knows no flush. */
function whenForeign(level: string, made: string | undefined): (error: unknown) => void {
  return (error) => {
    const own = made !== undefined && level.length >= made.length;
    const foreign = ["EACCES", "EPERM", "EINVAL", "ENOSYS", "ENOTSUP", "EROFS"].includes(
      errorCode(error) ?? "",
    );
    if (own || !foreign) throw error;
  };
}

// Nobody reads them: where they cannot be removed they stay.
async function removeStale(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter(isTemporary)) {
    const path = join(folder, name);
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > staleMs) await rm(path, { force: true }).catch(() => undefined);
  }
}
