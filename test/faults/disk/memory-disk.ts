/**
 * A disk in memory that keeps what a real one would: bytes once their file was flushed, names once their folder was.
 * Processes on it die at any call; power cuts drop, tear and reorder the rest. Any call can be made to fail.
 */
import {
  type Fate,
  type FileNode,
  failFlush,
  flushFile,
  flushFolder,
  losePower,
  type Node,
  newFolder,
  writeInto,
} from "./nodes.ts";
import { createPaths, errno } from "./paths.ts";
import { createProcess, Dead, type DiskCall, type DiskProcess, type Fault } from "./process.ts";

export interface DiskOptions {
  readonly random: () => number;
  /** Flushes that say "done" and do nothing: to show that a test notices. */
  readonly ignores?: (call: DiskCall) => boolean;
  /** Asked at each call. */
  readonly fault?: (call: DiskCall) => Fault | undefined;
}

export interface MemoryDisk {
  /** Starts a process: its calls reach the disk until the next `restart`. */
  start(): DiskProcess;
  /** Calls so far. */
  readonly calls: number;
  /** How many calls were made to fail. */
  readonly faults: number;
  /** The process died. */
  readonly dead: boolean;
  /** The process dies in its n-th call from now; resolves then. */
  dieAt(n: number): Promise<void>;
  /** Ends the process (its calls never return) and, with a fate, the power. Resolves when another one may begin. */
  restart(fate: Fate | undefined): Promise<void>;
  /** The names in a folder, for the test. */
  names(folder: string): string[];
  /** What a file holds, for the test. */
  content(path: string): Buffer | undefined;
}

export function createMemoryDisk(options: DiskOptions): MemoryDisk {
  const { random } = options;
  const root = newFolder();
  const paths = createPaths(root, random);
  const { find } = paths;
  let calls = 0;
  let faults = 0;
  let epoch = 0;
  let dead = false;
  let deathAt = Number.POSITIVE_INFINITY;
  let died: (() => void) | undefined;

  /** Every call comes through here: it may fail, or be the process's last. */
  const perform = <T>(mine: number, call: DiskCall, work: (fault: Fault | undefined) => T): T => {
    if (dead || mine !== epoch) throw new Dead();
    calls += 1;
    if (calls >= deathAt) {
      dead = true;
      try {
        if (random() < 0.5) work(call.kind === "write" ? "short" : undefined);
      } finally {
        died?.();
        // biome-ignore lint/correctness/noUnsafeFinally: nobody is left to hear what else went wrong
        throw new Dead();
      }
    }
    const fault = options.fault?.(call);
    if (fault === undefined || fault === "short") return work(fault);
    faults += 1;
    if (call.kind === "datasync" || call.kind === "sync") {
      const node = find(call.path);
      if (node?.kind === "file") failFlush(node);
    }
    throw errno(fault.code, call.kind, call.path);
  };

  const flush = (call: DiskCall, node: Node): void => {
    if (options.ignores?.(call) === true) return;
    if (node.kind === "file") flushFile(node);
    else flushFolder(node);
  };
  const write = (fault: Fault | undefined, node: Node, bytes: Uint8Array, at: number): number => {
    const count = fault === "short" ? Math.floor(random() * bytes.length) || 1 : bytes.length;
    writeInto(node as FileNode, at, bytes.subarray(0, count));
    return count;
  };

  return {
    start() {
      const mine = epoch;
      return createProcess({
        paths,
        random,
        flush,
        write,
        perform: (call, work) => perform(mine, call, work),
      });
    },
    get faults() {
      return faults;
    },
    get dead() {
      return dead;
    },
    get calls() {
      return calls;
    },
    dieAt(n) {
      deathAt = calls + n;
      return new Promise((resolve) => {
        died = resolve;
      });
    },
    async restart(fate) {
      dead = true;
      // What the old process still does comes to its next call, and stays there.
      await new Promise((resolve) => setImmediate(resolve));
      epoch += 1;
      deathAt = Number.POSITIVE_INFINITY;
      if (fate !== undefined) losePower(root, fate, random);
      dead = false;
    },
    names(folder) {
      const node = find(folder);
      return node?.kind === "folder" ? [...node.live.keys()].sort() : [];
    },
    content(path) {
      const node = find(path);
      return node?.kind === "file" ? node.live : undefined;
    },
  };
}
