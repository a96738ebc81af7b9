/** Files and folders of the disk in memory: what programs see, and what a power cut leaves. */

export interface FileNode {
  readonly kind: "file";
  /** What programs read. */
  live: Buffer;
  /** What is on the disk for certain. */
  safe: Buffer;
  /** Writes since the last good flush, in order. */
  dirty: { readonly at: number; readonly bytes: Buffer }[];
  links: number;
  mtime: number;
}

export interface FolderNode {
  readonly kind: "folder";
  live: Map<string, Node>;
  safe: Map<string, Node>;
  /** Changes of names since the last flush of this folder, in order. */
  dirty: NameChange[];
}

export type Node = FileNode | FolderNode;

/** A name set or removed; both sides of a rename are one change, which happens whole or not at all. */
export interface NameChange {
  readonly edits: readonly { readonly folder: FolderNode; readonly name: string; readonly node?: Node }[];
}

export function newFile(): FileNode {
  return {
    kind: "file",
    live: Buffer.alloc(0),
    safe: Buffer.alloc(0),
    dirty: [],
    links: 1,
    mtime: Date.now(),
  };
}

export function newFolder(): FolderNode {
  return { kind: "folder", live: new Map(), safe: new Map(), dirty: [] };
}

export function patched(content: Buffer, at: number, bytes: Uint8Array): Buffer {
  const grown = Buffer.alloc(Math.max(content.length, at + bytes.length));
  content.copy(grown);
  grown.set(bytes, at);
  return grown;
}

/** Writes that programs see at once. */
export function writeInto(file: FileNode, at: number, bytes: Uint8Array): void {
  file.live = patched(file.live, at, bytes);
  file.dirty.push({ at, bytes: Buffer.from(bytes) });
}

export function flushFile(file: FileNode): void {
  for (const { at, bytes } of file.dirty) file.safe = patched(file.safe, at, bytes);
  file.dirty = [];
}

/** A flush that failed: the pages are taken for clean, and what they held never reaches the disk. */
export function failFlush(file: FileNode): void {
  file.dirty = [];
}

/** Cut by its owner; on the disk at once, which is no help to anybody. */
export function cutFile(file: FileNode, length: number): void {
  file.live = Buffer.from(file.live.subarray(0, length));
  file.safe = Buffer.from(file.safe.subarray(0, length));
  file.dirty = file.dirty.filter(({ at }) => at < length);
}

export function changeNames(change: NameChange): void {
  for (const { folder, name, node } of change.edits) {
    if (node === undefined) folder.live.delete(name);
    else folder.live.set(name, node);
    folder.dirty.push(change);
  }
}

export function flushFolder(folder: FolderNode): void {
  for (const change of [...folder.dirty]) makeSafe(change);
}

function makeSafe(change: NameChange): void {
  for (const { folder, name, node } of change.edits) {
    if (node === undefined) folder.safe.delete(name);
    else folder.safe.set(name, node);
    const until = folder.dirty.indexOf(change);
    // What was not flushed of this name before is past and gone.
    folder.dirty = folder.dirty.filter(
      (other, index) =>
        index > until || !other.edits.some((edit) => edit.folder === folder && edit.name === name),
    );
  }
}

/** How a power cut treats what was not flushed. */
export type Fate = "drop" | "keep" | "mix";

/** Leaves of everything below `root` what the disk has. */
export function losePower(root: FolderNode, fate: Fate, random: () => number): void {
  const keeps = (): boolean => fate === "keep" || (fate === "mix" && random() < 0.5);
  const seen = new Set<Node>();
  const visit = (node: Node): void => {
    if (seen.has(node)) return;
    seen.add(node);
    if (node.kind === "file") {
      leaveFile(node, keeps, random);
      return;
    }
    for (const change of [...node.dirty]) if (keeps()) makeSafe(change);
    for (const child of [...node.live.values(), ...node.safe.values()]) visit(child);
  };
  visit(root);
  for (const node of seen) {
    if (node.kind !== "folder") continue;
    node.live = new Map(node.safe);
    node.dirty = [];
  }
}

function leaveFile(file: FileNode, keeps: () => boolean, random: () => number): void {
  const length = file.live.length;
  let left = file.safe;
  for (const { at, bytes } of file.dirty) {
    if (!keeps()) continue;
    const torn = random() < 0.4;
    const from = torn && random() < 0.5 ? Math.floor(random() * bytes.length) : 0;
    const to = torn ? from + Math.floor(random() * (bytes.length - from)) : bytes.length;
    left = patched(left, at + from, bytes.subarray(from, to));
  }
  // The length may be there before the bytes are.
  if (left.length < length && file.dirty.length > 0 && random() < 0.2) {
    left = Buffer.concat([left, Buffer.alloc(length - left.length)]);
  }
  file.live = left;
  file.safe = left;
  file.dirty = [];
}
