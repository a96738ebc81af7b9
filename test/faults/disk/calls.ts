/**
 * Puts a disk in memory under code that uses `node:fs`: paths below `/model` go to the disk of `modelled`, all others to the
 * real file system. A test file mocks both modules with it:
 *
 *     vi.mock("node:fs", async (real) => withModel(await real()));
 *     vi.mock("node:fs/promises", async (real) => withModelAsync(await real()));
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { type DiskProcess, firstDescriptor } from "./process.ts";

type Call = (...given: unknown[]) => unknown;
type Calls = Record<string, Call>;

/** Where the store of a test on the disk in memory is. */
export const modelRoot = "/model/made/store";

/** The process that code started in it is, also in what it still does later. */
export const modelled: AsyncLocalStorage<DiskProcess> = new AsyncLocalStorage();

function forward(real: object, pick: (process: DiskProcess) => object, names: readonly string[]): object {
  const forwarded: Calls = {};
  for (const name of names) {
    forwarded[name] = (...given) => {
      const [at] = given;
      const isModels = typeof at === "number" ? at >= firstDescriptor : String(at).startsWith("/model");
      const process = modelled.getStore();
      if (isModels && process === undefined) throw new Error(`${name}(${at}) belongs to no disk in memory`);
      const calls = (isModels && process !== undefined ? pick(process) : real) as Calls;
      const call = calls[name];
      if (call === undefined) throw new Error(`the disk in memory has no ${name}`);
      return call(...given);
    };
  }
  return { ...real, ...forwarded };
}

/** @param real the module `node:fs` */
export function withModel(real: object): object {
  return forward(real, (disk) => disk.sync, [
    "closeSync",
    "existsSync",
    "fdatasyncSync",
    "fsyncSync",
    "linkSync",
    "lstatSync",
    "mkdirSync",
    "openSync",
    "readdirSync",
    "readFileSync",
    "renameSync",
    "rmSync",
    "statSync",
    "writeSync",
  ]);
}

/** @param real the module `node:fs/promises` */
export function withModelAsync(real: object): object {
  return forward(real, (disk) => disk.async, [
    "link",
    "lstat",
    "mkdir",
    "open",
    "readdir",
    "readFile",
    "rename",
    "rm",
    "stat",
    "utimes",
  ]);
}
