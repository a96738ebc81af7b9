import type { Stats } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "./durable.ts";
import { parseFileName, type RunLayout, tombstoneName } from "./layout.ts";
import { createLineScanner } from "./line-scanner.ts";
import type { JournalFile, RunIndex } from "./run-index.ts";

/** Brings a run's index up to date with its folder: only what grew is read. */

export interface Scanned {
  readonly deleted: boolean;
  /** False when the run has no folder. */
  readonly exists: boolean;
}

const chunkBytes = 1_048_576;

/** `files` is kept by the caller, by name. */
export async function refresh(
  layout: RunLayout,
  index: RunIndex,
  files: Map<string, JournalFile>,
): Promise<Scanned> {
  const names = await namesIn(layout.folder);
  const deleted = names?.includes(tombstoneName) ?? false;
  const present = new Set(deleted ? [] : names);
  if ([...files.keys()].some((name) => !present.has(name))) restart(index, files, present);
  for (const name of present) await look(layout, index, files, name);
  return { deleted, exists: names !== undefined };
}

/** The names in a folder; undefined when there is none. */
export async function namesIn(folder: string): Promise<string[] | undefined> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function look(
  layout: RunLayout,
  index: RunIndex,
  files: Map<string, JournalFile>,
  name: string,
): Promise<void> {
  const parsed = parseFileName(name);
  if (parsed === undefined) return;
  const path = join(layout.folder, name);
  const file = files.get(name) ?? { ...parsed, path, own: false, scanned: 0, size: 0, durable: 0 };
  const size = file.own ? file.durable : await sizeOf(path);
  if (size === undefined) return;
  files.set(name, file);
  if (size < file.scanned) {
    restart(index, files, new Set(files.keys()));
    for (const known of [...files.keys()]) await look(layout, index, files, known);
    return;
  }
  if (size === file.size || size === file.scanned) return;
  await scan(file, index, size);
  file.size = size;
}

/** Forgets what was indexed, for files vanished or shrank: those that are `present` are to be read anew. */
export function restart(
  index: RunIndex,
  files: Map<string, JournalFile>,
  present: ReadonlySet<string>,
): void {
  index.clear();
  for (const [name, file] of [...files]) {
    if (!present.has(name)) files.delete(name);
    file.scanned = 0;
    file.size = 0;
  }
}

/** Indexes the lines of `file` up to `size`. Damaged ones are looked at again once a good one follows or it grows. */
async function scan(file: JournalFile, index: RunIndex, size: number): Promise<void> {
  const handle = await open(file.path, "r");
  try {
    const scanner = createLineScanner(file.scanned);
    for (let at = file.scanned; at < size; ) {
      const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, size - at));
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0) return;
      for (const line of scanner.feed(chunk.subarray(0, bytesRead))) {
        if (index.addLine(line, file)) file.scanned = line.end;
      }
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await statIfThere(path))?.size;
}

/** When a file was last written or touched; undefined when there is none. */
export async function mtimeOf(path: string): Promise<number | undefined> {
  return (await statIfThere(path))?.mtimeMs;
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
