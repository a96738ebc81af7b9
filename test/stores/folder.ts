import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, vi } from "vitest";
import type { Segment } from "../../src/model/segment-line.ts";
import { filesystemStore } from "../../src/stores/filesystem/index.ts";
import type { LocalStore } from "../../src/stores/store.ts";
import { writerOf } from "../contract/segments.ts";

/** A folder for each test of the filesystem store, and looks into it. */

export const run = "some-run";
export const writer: string = writerOf(0);

export interface Folder {
  /** Its path: another one for each test. */
  readonly path: string;
  /** A new instance; closed after the test. */
  openStore(at?: string): LocalStore;
  /** A path in the run's journal folder. */
  journal(name?: string): string;
  /** The names of its journal files. */
  journalFiles(): string[];
  /** Writes a journal file by hand. */
  writeJournal(name: string, bytes: Uint8Array): void;
  read(name: string): Buffer;
}

/** Call it once at the top of a test file. */
export function folderForEachTest(): Folder {
  let path = "";
  let stores: LocalStore[] = [];
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), "runlog-fs-"));
    stores = [];
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await Promise.allSettled(stores.map((store) => store.close()));
    await rm(path, { recursive: true, force: true });
  });
  const journal = (name = ""): string => join(path, ".journal", run, name);
  return {
    get path() {
      return path;
    },
    openStore(at = path) {
      const store = filesystemStore(at);
      stores.push(store);
      return store;
    },
    journal,
    journalFiles: () =>
      readdirSync(journal())
        .filter((name) => name.endsWith(".jsonl"))
        .sort(),
    writeJournal(name, bytes) {
      mkdirSync(journal(), { recursive: true });
      writeFileSync(journal(name), bytes);
    },
    read: (name) => readFileSync(journal(name)),
  };
}

/** The bytes of a journal file. */
export function linesOf(segments: readonly Segment[]): Buffer {
  return Buffer.concat(segments.flatMap(({ bytes }) => [bytes, Buffer.from("\n")]));
}

/** What every file handle inherits, to make its methods fail. */
export async function handlePrototype(folder: Folder): Promise<FileHandle> {
  const handle = await open(join(folder.path, "probe"), "w");
  await handle.close();
  return Object.getPrototypeOf(handle) as FileHandle;
}

/** An error as Node's file system gives it. */
export function errno(code: string): Error {
  return Object.assign(new Error(`${code}: made by a test`), { code });
}
