import { linkSync, readFileSync, renameSync } from "node:fs";
import { link, readFile, rename, rm } from "node:fs/promises";
import {
  errorCode,
  readingFlag,
  removeSync,
  replaceFile,
  replaceFileSync,
  syncFolder,
  syncFolderSync,
  temporaryName,
} from "./durable.ts";
import type { Layout } from "./layout.ts";

/**
 * The store's random id, made with it; of several processes that open a new folder at once one makes it for all.
 * @param fresh the id of a store that has none
 */
export async function openStoreId(layout: Layout, fresh: string, known?: string): Promise<string> {
  await layout.folders.make(layout.journal);
  const found = await readId(layout.id);
  if (found !== undefined) {
    // Who made it may have ended before its name was durable.
    if (found !== known) await syncFolder(layout.journal);
    return found;
  }
  const mine = temporaryName(layout.id);
  await replaceFile(mine, textOf(fresh), mine);
  try {
    await publish(mine, layout.id);
  } finally {
    // Left there it is removed as every stale temporary file.
    await rm(mine, { force: true }).catch(() => undefined);
  }
  await syncFolder(layout.journal);
  return (await readId(layout.id)) ?? damaged(layout);
}

/** As `openStoreId`, without waiting: a process may end in the tick in which it opened the store. */
export function openStoreIdSync(layout: Layout, fresh: string, known?: string): string {
  layout.folders.makeSync(layout.journal);
  const found = readIdSync(layout.id);
  if (found !== undefined) {
    if (found !== known) syncFolderSync(layout.journal);
    return found;
  }
  const mine = temporaryName(layout.id);
  replaceFileSync(mine, textOf(fresh), mine);
  try {
    publishSync(mine, layout.id);
  } finally {
    removeSync(mine);
  }
  syncFolderSync(layout.journal);
  return readIdSync(layout.id) ?? damaged(layout);
}

function textOf(id: string): string {
  return `${JSON.stringify({ id })}\n`;
}

function damaged(layout: Layout): never {
  throw new Error(`'${layout.id}' holds no store id; remove that file, and a new one is made`);
}

// A link appears whole and never replaces; file systems without links take a rename, where two could meet.
async function publish(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (mayRename(error)) await rename(from, to);
  }
}

function publishSync(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (mayRename(error)) renameSync(from, to);
  }
}

/** False when the name is taken; throws what is no answer of a file system without links. */
function mayRename(error: unknown): boolean {
  const code = errorCode(error) ?? "";
  if (code === "EEXIST") return false;
  if (["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(code)) return true;
  throw error;
}

async function readId(path: string): Promise<string | undefined> {
  try {
    return idIn(await readFile(path, { encoding: "utf8", flag: readingFlag }));
  } catch (error) {
    return whenMissing(error);
  }
}

function readIdSync(path: string): string | undefined {
  try {
    return idIn(readFileSync(path, { encoding: "utf8", flag: readingFlag as unknown as string }));
  } catch (error) {
    return whenMissing(error);
  }
}

function idIn(text: string): string | undefined {
  return /^\{"id":"([0-9a-f]{32})"\}\n$/.exec(text)?.[1];
}

function whenMissing(error: unknown): undefined {
  if (errorCode(error) !== "ENOENT") throw error;
}
