import { existsSync, openSync } from "node:fs";
import { basename } from "node:path";
import type { Segment } from "../../model/segment-line.ts";
import { runDeleted } from "../rules.ts";
import { endsRun, writeRunLogSync } from "./derived.ts";
import { errorCode, isFull, removeSync, syncFolderSync, writeDurablySync } from "./durable.ts";
import type { Journal } from "./journal.ts";
import type { JournalState } from "./journal-state.ts";
import type { JournalFile } from "./run-index.ts";
import { linesOf, nextNumber } from "./write.ts";

/**
 * Appends without waiting, for the hook at a process's exit: always to a new file, because the one in use may have a
 * write in flight, whose segments may be given here again.
 */
export function appendSync({ state }: Journal, segments: readonly Segment[]): void {
  const { layout, index } = state;
  if (existsSync(layout.tombstone)) throw runDeleted(layout.run);
  const missing = segments.filter(({ writer, seq, crc }) => index.entries(writer)[seq]?.crc !== crc);
  for (const writer of new Set(missing.map((segment) => segment.writer))) {
    const own = missing.filter((segment) => segment.writer === writer);
    try {
      writeNew(state, writer, own);
    } catch (error) {
      if (isFull(error)) throw error;
      // As in `writeSegments`: what failed is not trusted, and all of it goes to another file, once.
      writeNew(state, writer, own);
    }
  }
  if (segments.some(endsRun)) writeRunLogSync(layout);
}

/** Durable, with its name, when it returns; only then it counts as here. */
function writeNew(state: JournalState, writer: string, segments: readonly Segment[]): void {
  const { layout } = state;
  layout.folders.makeSync(layout.folder);
  const { fd, path, n } = createNew(layout.journalFile, writer, nextNumber(state, writer));
  const file: JournalFile = { path, writer, n, own: true, scanned: 0, size: 0, durable: 0 };
  state.files.set(basename(path), file);
  const bytes = linesOf(segments);
  try {
    writeDurablySync(fd, bytes);
    syncFolderSync(layout.folder);
  } catch (error) {
    removeSync(path);
    if (!existsSync(path)) state.files.delete(basename(path));
    throw error;
  }
  file.scanned = file.size = file.durable = bytes.length;
  let offset = 0;
  for (const segment of segments) {
    state.index.add(segment, file, offset);
    offset += segment.bytes.length + 1;
  }
}

function createNew(
  pathOf: (writer: string, n: number) => string,
  writer: string,
  first: number,
): { fd: number; path: string; n: number } {
  for (let n = first; ; n++) {
    const path = pathOf(writer, n);
    try {
      return { fd: openSync(path, "wx"), path, n };
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
    }
  }
}
