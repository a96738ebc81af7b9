import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fdatasyncSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { isRunlogError, messageOf, RunlogError } from "../../errors.ts";

/** Writing that is on disk when it returns. */

/** To read a file by: a pipe that somebody put in its place is empty, where it would be waited for without end. */
export const readingFlag: number = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Writes all of `bytes` at `position`. A nearly full disk takes a part and says so by the count alone. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    if (bytesWritten === 0) throw new Error("the system wrote nothing and named no reason");
    done += bytesWritten;
  }
}

export function writeAllSync(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    const written = writeSync(fd, bytes, done);
    if (written === 0) throw new Error("the system wrote nothing and named no reason");
    done += written;
  }
}

/** Makes the names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders; its file systems keep names with the file's own flush.
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  await handle.sync().finally(() => handle.close());
}

export function syncFolderSync(folder: string): void {
  if (process.platform === "win32") return;
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A new name for a file that only its maker opens; one left behind by a kill is removed later, by its name. */
export function temporaryName(beside: string): string {
  return `${beside}.${randomBytes(6).toString("hex")}.tmp`;
}

export function isTemporary(name: string): boolean {
  return /\.[0-9a-f]{12}\.tmp$/.test(name);
}

/** Puts `text` at `path`, whole or not at all. `temporary` is a path on the same disk, in a folder that exists. */
export async function replaceFile(path: string, text: string, temporary: string): Promise<void> {
  const temp = temporaryName(temporary);
  const handle = await open(temp, "wx");
  try {
    await writeAll(handle, Buffer.from(text), 0)
      .then(() => handle.sync())
      .finally(() => handle.close());
    await rename(temp, path);
  } catch (error) {
    // What went wrong is told, and not that its remains could not be removed.
    await rm(temp, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

export function replaceFileSync(path: string, text: string, temporary: string): void {
  const temp = temporaryName(temporary);
  try {
    writeDurablySync(openSync(temp, "wx"), Buffer.from(text));
    renameSync(temp, path);
  } catch (error) {
    removeSync(temp);
    throw error;
  }
  syncFolderSync(dirname(path));
}

/** Writes, flushes and closes. */
export function writeDurablySync(fd: number, bytes: Uint8Array): void {
  try {
    writeAllSync(fd, bytes);
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Removes what is of no use any more. Why it is of none is told; that it could not be removed changes nothing. */
export function removeSync(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}

/** Node's name of a file system error: ENOENT, ENOSPC, … */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

/** True when the disk, or the user's part of it, is full. */
export function isFull(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT", "storage_full"].includes(errorCode(error) ?? "");
}

/** `storage_full` or `storage_unavailable` with the path, the cause and what to do; errors of runlog as they are. */
export function storageError(cause: unknown, root: string): RunlogError {
  if (isRunlogError(cause)) return cause;
  const code = errorCode(cause);
  if (isFull(cause)) {
    return new RunlogError("storage_full", `the disk of '${root}' is full (${code}); free space there`, {
      cause,
    });
  }
  const action = advice(code);
  return new RunlogError(
    "storage_unavailable",
    `the run-log folder '${root}' cannot be used: ${messageOf(cause)}; ${action}`,
    {
      cause,
    },
  );
}

function advice(code: string | undefined): string {
  if (code === "ENOTDIR" || code === "EEXIST")
    return "it, or a part of its path, is a file: name another folder";
  if (code === "EACCES" || code === "EPERM" || code === "EROFS")
    return "make it writable, or name another folder";
  // Node's recursive mkdir says ENOENT on a disk that is mounted read-only.
  if (code === "ENOENT")
    return "it cannot be made there (read-only disk?) or was removed: name another folder";
  if (code === "EMFILE" || code === "ENFILE") return "too many files are open: raise the limit (ulimit -n)";
  return "check the disk, or name another folder";
}
