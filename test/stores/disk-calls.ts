import fs from "node:fs";
import promises, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { relative } from "node:path";
import { onTestFinished, vi } from "vitest";

/** Watches the calls by which the filesystem store changes the disk, and makes some of them fail. */

export interface DiskCalls {
  /** In order: `open a`, `write a`, `sync a`, `close a`, `rename a b`, `readdir a` and so on. */
  readonly done: string[];
  /** The next call that reads so, or the one of this number, fails with this; it is not done. */
  fail(call: string | number, error: Error): void;
  /** None fails any more. */
  clear(): void;
}

type Method = (this: unknown, ...given: never[]) => unknown;

/**
 * Ends with the test; call it once.
 * @param folder paths are told from here; random parts of temporary names are left out
 */
export async function watchDisk(folder: string): Promise<DiskCalls> {
  const done: string[] = [];
  const failures = new Map<string | number, Error>();
  const paths = new Map<unknown, string>();
  const nameOf = (path: unknown): string =>
    relative(folder, String(path)).replaceAll(/\.(?:[0-9a-f]{12}|[0-9a-f-]{36})(?=\.|$)/g, "") || ".";
  const note = (call: string): void => {
    const error = failures.get(call) ?? failures.get(done.length);
    failures.delete(call);
    done.push(call);
    if (error !== undefined) throw error;
  };
  const watch = (on: object, name: string, told: (self: unknown, given: unknown[]) => string): void => {
    const real = Reflect.get(on, name) as Method;
    vi.spyOn(on as Record<string, Method>, name).mockImplementation(function (this: unknown, ...given) {
      const call = told(this, given);
      // A close that fails has closed.
      if (name.startsWith("close")) {
        const closed = real.apply(this, given);
        return on === fs ? note(call) : Promise.resolve(closed).then(() => note(call));
      }
      // What rejects does not throw.
      if (on !== fs) {
        try {
          note(call);
        } catch (error) {
          return Promise.reject(error);
        }
      } else note(call);
      return real.apply(this, given);
    });
  };
  const probe = await promises.open(folder, "r");
  const handles = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();

  const open = promises.open;
  vi.spyOn(promises, "open").mockImplementation(async (...given) => {
    note(`open ${nameOf(given[0])}`);
    const handle = await open(...given);
    paths.set(handle, nameOf(given[0]));
    // Each handle has its own.
    watch(handle, "close", () => `close ${nameOf(given[0])}`);
    return handle;
  });
  const openSync = fs.openSync;
  vi.spyOn(fs, "openSync").mockImplementation((...given) => {
    note(`open ${nameOf(given[0])}`);
    const fd = openSync(...given);
    paths.set(fd, nameOf(given[0]));
    return fd;
  });
  for (const name of ["write", "sync", "datasync"])
    watch(handles, name, (handle) => `${name} ${paths.get(handle)}`);
  for (const name of ["write", "fsync", "fdatasync", "close"])
    watch(fs, `${name}Sync`, (_, [fd]) => `${name.replace(/^f/, "")} ${paths.get(fd)}`);
  for (const name of ["rename", "link", "rm", "mkdir", "readdir", "readFile", "stat", "utimes"]) {
    const told = (_: unknown, given: unknown[]): string =>
      `${name} ${(name === "rename" || name === "link" ? given.slice(0, 2) : given.slice(0, 1)).map(nameOf).join(" ")}`;
    watch(promises, name, told);
    watch(fs, `${name}Sync`, told);
  }
  syncBuiltinESMExports();
  onTestFinished(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });
  return { done, fail: (call, error) => void failures.set(call, error), clear: () => failures.clear() };
}
