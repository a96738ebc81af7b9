/** One process's calls of `node:fs` and `node:fs/promises` on the disk in memory: what the store uses of them. */
import { cutFile, type FileNode, type Node } from "./nodes.ts";
import { errno, type Paths, statsOf } from "./paths.ts";

/** A call that the code under test makes. */
export interface DiskCall {
  readonly kind: string;
  readonly path: string;
}

/** What becomes of a call: an error of this code, or a write that takes only a part. */
export type Fault = { readonly code: string } | "short";

/** The process has ended: a call of it, and nobody to hear of it. */
export class Dead extends Error {}

/** What stands for the two modules. */
export interface DiskProcess {
  readonly sync: object;
  readonly async: object;
}

/** What a process reaches the disk by. */
export interface Reach {
  readonly paths: Paths;
  readonly random: () => number;
  /** Every call goes through it. @throws {Dead} once the process has ended */
  perform<T>(call: DiskCall, work: (fault: Fault | undefined) => T): T;
  flush(call: DiskCall, node: Node): void;
  write(fault: Fault | undefined, node: Node, bytes: Uint8Array, at: number): number;
}

/** Descriptors begin here, so that they are told from the real ones. */
export const firstDescriptor = 1_000_000;

export function createProcess(reach: Reach): DiskProcess {
  return { sync: syncCalls(reach), async: asyncCalls(reach) };
}

function asyncCalls(reach: Reach): object {
  const { paths, random } = reach;
  const later = async <T>(call: DiskCall, work: (fault: Fault | undefined) => T): Promise<T> => {
    // Calls that are under way at once end in any order.
    for (let hops = Math.floor(random() * 4); hops > 0; hops--) await undefined;
    try {
      return reach.perform(call, work);
    } catch (error) {
      if (!(error instanceof Dead)) throw error;
    }
    return new Promise<never>(() => undefined);
  };
  const onPath =
    <T>(kind: string, work: (path: string, ...rest: never[]) => T) =>
    (path: string, ...rest: unknown[]): Promise<T> =>
      later({ kind, path }, () => work(path, ...(rest as never[])));
  return {
    open: (path: string, flags: string) =>
      later({ kind: "open", path }, () => handleOf(reach, later, paths.open(path, flags), path)),
    mkdir: onPath("mkdir", paths.mkdir),
    rename: onPath("rename", paths.rename),
    link: onPath("link", paths.link),
    rm: onPath("rm", paths.rm),
    readdir: onPath("readdir", (path, ...[types]) => paths.readdir(path, types !== undefined)),
    stat: onPath("stat", paths.stat),
    lstat: onPath("stat", paths.stat),
    readFile: onPath("readFile", paths.readFile),
    utimes: onPath("utimes", paths.utimes),
  };
}

/** A `FileHandle`. */
function handleOf(
  { flush, write }: Reach,
  later: <T>(call: DiskCall, work: (fault: Fault | undefined) => T) => Promise<T>,
  node: Node,
  path: string,
): object {
  const calling = <T>(kind: string, work: (fault: Fault | undefined) => T): Promise<T> =>
    later({ kind, path }, work);
  return {
    write: (bytes: Uint8Array, offset: number, length: number, at: number) =>
      calling("write", (fault) => ({
        bytesWritten: write(fault, node, bytes.subarray(offset, offset + length), at),
      })),
    datasync: () => calling("datasync", () => flush({ kind: "datasync", path }, node)),
    sync: () => calling("sync", () => flush({ kind: "sync", path }, node)),
    stat: () => calling("stat", () => statsOf(node)),
    truncate: (length: number) => calling("truncate", () => cutFile(node as FileNode, length)),
    read: (into: Uint8Array, offset: number, length: number, at: number) =>
      calling("read", () => {
        const bytes = (node as FileNode).live.subarray(at, at + length);
        into.set(bytes, offset);
        return { bytesRead: bytes.length };
      }),
    close: () => calling("close", () => undefined),
  };
}

function syncCalls({ paths, perform, flush, write }: Reach): object {
  const descriptors = new Map<number, { node: Node; path: string; at: number }>();
  const opened = (fd: number): { node: Node; path: string; at: number } => {
    const found = descriptors.get(fd);
    if (found === undefined) throw errno("EBADF", "fd", String(fd));
    return found;
  };
  const onPath =
    <T>(kind: string, work: (path: string, ...rest: never[]) => T) =>
    (path: string, ...rest: unknown[]): T =>
      perform({ kind, path }, () => work(path, ...(rest as never[])));
  const flushing = (kind: string) => (fd: number) => {
    const { node, path } = opened(fd);
    perform({ kind, path }, () => flush({ kind, path }, node));
  };
  return {
    existsSync: (path: string) => paths.find(path) !== undefined,
    openSync: (path: string, flags: string) =>
      perform({ kind: "open", path }, () => {
        const fd = firstDescriptor + descriptors.size;
        descriptors.set(fd, { node: paths.open(path, flags), path, at: 0 });
        return fd;
      }),
    writeSync(fd: number, bytes: Uint8Array, offset: number) {
      const file = opened(fd);
      return perform({ kind: "write", path: file.path }, (fault) => {
        const count = write(fault, file.node, bytes.subarray(offset), file.at);
        file.at += count;
        return count;
      });
    },
    fdatasyncSync: flushing("datasync"),
    fsyncSync: flushing("sync"),
    closeSync: (fd: number) => perform({ kind: "close", path: opened(fd).path }, () => undefined),
    mkdirSync: onPath("mkdir", paths.mkdir),
    renameSync: onPath("rename", paths.rename),
    linkSync: onPath("link", paths.link),
    rmSync: onPath("rm", paths.rm),
    readdirSync: onPath("readdir", (path) => paths.readdir(path, false)),
    readFileSync: onPath("readFile", paths.readFile),
    statSync: onPath("stat", paths.stat),
    lstatSync: onPath("stat", paths.stat),
  };
}
