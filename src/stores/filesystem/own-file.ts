import { type FileHandle, open, rm } from "node:fs/promises";
import { basename } from "node:path";
import { errorCode, syncFolder, writeAll } from "./durable.ts";
import type { RunLayout } from "./layout.ts";
import type { JournalFile } from "./run-index.ts";

/** A journal file that this instance created, and alone appends to. */
export interface OwnFile {
  readonly file: JournalFile;
  readonly name: string;
  /** Appends at the end of what is durable; durable when it resolves. After a failure use the file no more. */
  append(lines: Uint8Array): Promise<void>;
  /** Frees the handle; `append` takes a new one. */
  release(): Promise<void>;
  /**
   * Takes out of the file what was not acknowledged, and removes it when nothing is left: after a flush that failed the
   * system shows those bytes to everybody, and the next flush would call them saved.
   * @returns whether the file is gone; one that stays is still to be known as its maker's, who does not believe it
   */
  abandon(): Promise<boolean>;
}

/** Creates the writer's file with the smallest free number from `n` on; its name is durable when this resolves. */
export async function createOwnFile(layout: RunLayout, writer: string, n: number): Promise<OwnFile> {
  await layout.folders.make(layout.folder);
  for (let number = n; ; number++) {
    const path = layout.journalFile(writer, number);
    const handle = await openNew(path);
    if (handle === undefined) continue;
    try {
      await syncFolder(layout.folder);
    } catch (error) {
      await discard(handle, path);
      throw error;
    }
    const file = { path, writer, n: number, own: true, scanned: 0, size: 0, durable: 0 };
    return ownFile(file, handle);
  }
}

function ownFile(file: JournalFile, created: FileHandle): OwnFile {
  let handle: FileHandle | undefined = created;
  const release = async (): Promise<void> => {
    const open = handle;
    handle = undefined;
    await open?.close();
  };
  return {
    file,
    name: basename(file.path),
    release,
    async append(lines) {
      handle ??= await open(file.path, "r+");
      await writeAll(handle, lines, file.durable);
      await handle.datasync();
      const { nlink, size } = await handle.stat();
      const end = file.durable + lines.length;
      // A flush of a file that was deleted or cut under us succeeds and saves nothing.
      if (nlink === 0 || size !== end)
        throw new Error(`'${file.path}' was deleted or changed by another program`);
      file.durable = end;
      file.size = end;
    },
    async abandon() {
      const open = handle;
      handle = undefined;
      if (file.durable === 0) return discard(open, file.path);
      // What failed is told already, and a disk that refuses this as well keeps bytes that are written again anyway.
      await open?.truncate(file.durable).catch(() => undefined);
      await open?.close().catch(() => undefined);
      return false;
    },
  };
}

/** Of no use to anybody: what went wrong before is told, and not that it stays. */
async function discard(handle: FileHandle | undefined, path: string): Promise<boolean> {
  await handle?.close().catch(() => undefined);
  return rm(path, { force: true }).then(
    () => true,
    () => false,
  );
}

async function openNew(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "wx");
  } catch (error) {
    if (errorCode(error) === "EEXIST") return undefined;
    throw error;
  }
}
