/** What the disk in memory does at a path: the calls of `node:fs` that the store makes, without their failures. */
import { basename, dirname } from "node:path";
import { changeNames, type FileNode, type FolderNode, type Node, newFile, newFolder } from "./nodes.ts";

export interface Paths {
  find(path: string): Node | undefined;
  open(path: string, flags: string): Node;
  /** Makes all that is missing; gives the first folder that it made. */
  mkdir(path: string): string | undefined;
  rename(from: string, to: string): void;
  link(from: string, to: string): void;
  rm(path: string): void;
  readdir(path: string, withTypes: boolean): unknown[];
  stat(path: string): object;
  readFile(path: string, encoding?: string): unknown;
  utimes(path: string, accessed: Date, modified: Date): void;
}

export function createPaths(root: FolderNode, random: () => number): Paths {
  const find = (path: string): Node | undefined => {
    let node: Node | undefined = root;
    for (const part of path.split("/").slice(2)) {
      if (node?.kind !== "folder") return undefined;
      node = node.live.get(part);
    }
    return node;
  };
  const folderOf = (path: string, kind: string): FolderNode => {
    const folder = find(dirname(path));
    if (folder?.kind !== "folder") throw errno("ENOENT", kind, path);
    return folder;
  };
  const fileAt = (path: string, kind: string): FileNode => {
    const node = find(path);
    if (node === undefined) throw errno("ENOENT", kind, path);
    if (node.kind !== "file") throw errno("EISDIR", kind, path);
    return node;
  };

  return {
    find,
    open(path: string, flags: string): Node {
      const folder = folderOf(path, "open");
      const found = path === "/model" ? root : folder.live.get(basename(path));
      if (flags === "wx") {
        if (found !== undefined) throw errno("EEXIST", "open", path);
        const node = newFile();
        changeNames({ edits: [{ folder, name: basename(path), node }] });
        return node;
      }
      if (found === undefined) throw errno("ENOENT", "open", path);
      return found;
    },
    mkdir(path: string): string | undefined {
      let first: string | undefined;
      const parts = path.split("/").slice(2);
      let at = "/model";
      for (const part of parts) {
        const folder = find(at) as FolderNode;
        at = `${at}/${part}`;
        const found = folder.live.get(part);
        if (found?.kind === "file") throw errno("EEXIST", "mkdir", at);
        if (found !== undefined) continue;
        changeNames({ edits: [{ folder, name: part, node: newFolder() }] });
        first ??= at;
      }
      return first;
    },
    rename(from: string, to: string): void {
      const node = fileAt(from, "rename");
      const [source, target] = [folderOf(from, "rename"), folderOf(to, "rename")];
      const old = target.live.get(basename(to));
      if (old?.kind === "file") old.links -= 1;
      const edits = [
        { folder: target, name: basename(to), node },
        { folder: source, name: basename(from) },
      ];
      changeNames({ edits });
    },
    link(from: string, to: string): void {
      const node = fileAt(from, "link");
      const folder = folderOf(to, "link");
      if (folder.live.has(basename(to))) throw errno("EEXIST", "link", to);
      node.links += 1;
      changeNames({ edits: [{ folder, name: basename(to), node }] });
    },
    rm(path: string): void {
      const found = find(path);
      if (found === undefined) return;
      if (found.kind === "file") found.links -= 1;
      changeNames({ edits: [{ folder: folderOf(path, "rm"), name: basename(path) }] });
    },
    readdir(path: string, withTypes: boolean): unknown[] {
      const node = find(path);
      if (node === undefined) throw errno("ENOENT", "readdir", path);
      if (node.kind !== "folder") throw errno("ENOTDIR", "readdir", path);
      // No order is promised.
      const entries = [...node.live].sort(() => random() - 0.5);
      if (!withTypes) return entries.map(([name]) => name);
      return entries.map(([name, { kind }]) => ({ name, isDirectory: () => kind === "folder" }));
    },
    stat(path: string): object {
      const node = find(path);
      if (node === undefined) throw errno("ENOENT", "stat", path);
      return statsOf(node);
    },
    readFile: (path: string, encoding?: string): unknown => {
      const { live } = fileAt(path, "readFile");
      return encoding === undefined ? Buffer.from(live) : live.toString("utf8");
    },
    utimes(path: string, _: Date, mtime: Date): void {
      fileAt(path, "utimes").mtime = mtime.getTime();
    },
  };
}

export function statsOf(node: Node): object {
  const isSymbolicLink = (): boolean => false;
  if (node.kind === "folder") return { size: 0, nlink: 1, mtimeMs: 0, isSymbolicLink };
  return { size: node.live.length, nlink: node.links, mtimeMs: node.mtime, isSymbolicLink };
}

/** An error as Node's file system gives it. */
export function errno(code: string, syscall: string, path: string): Error {
  return Object.assign(new Error(`${code}: made by a test, ${syscall} '${path}'`), { code, syscall, path });
}
