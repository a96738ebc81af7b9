import { SegmentGap } from "../../errors.ts";
import type { Segment } from "../../model/segment-line.ts";
import { runDeleted } from "../rules.ts";
import { isFull } from "./durable.ts";
import type { HandlePool } from "./handle-pool.ts";
import type { JournalState } from "./journal-state.ts";
import { createOwnFile, type OwnFile } from "./own-file.ts";

/** Writes one writer's segments to a file that this instance created, and again to a new one when that fails. */

/** What an appender writes with. `files` holds the file in use of each writer. */
export interface WriteTools {
  readonly state: JournalState;
  readonly pool: HandlePool;
  readonly files: Map<string, OwnFile>;
}

/** Durable when it resolves. */
export async function writeSegments(
  tools: WriteTools,
  writer: string,
  segments: readonly Segment[],
): Promise<void> {
  const { state, files } = tools;
  const current = files.get(writer);
  // A file that vanished is left to its fate.
  if (current !== undefined && state.files.get(current.name) !== current.file) files.delete(writer);
  try {
    await writeOnce(tools, writer, segments);
  } catch (error) {
    if (isFull(error)) throw error;
    // What a failed write or flush left is never trusted: all of it once more, to a new file.
    await state.refresh();
    if (state.deleted) throw runDeleted(state.layout.run);
    checkStillThere(state, segments);
    await writeOnce(tools, writer, segments);
  }
}

// The folder may have been removed under us, and with it what these segments come after.
function checkStillThere(state: JournalState, segments: readonly Segment[]): void {
  const [first] = segments;
  const next = state.index.position();
  if (first === undefined || first.seq <= (next[first.writer] ?? 0)) return;
  throw new SegmentGap(first.run, first.writer, first.seq, next);
}

async function writeOnce(tools: WriteTools, writer: string, segments: readonly Segment[]): Promise<void> {
  const { state, pool, files } = tools;
  const own = files.get(writer) ?? (await createFile(state, writer));
  files.set(writer, own);
  const start = own.file.durable;
  try {
    await pool.use(own, () => own.append(linesOf(segments)));
  } catch (error) {
    files.delete(writer);
    if (await own.abandon()) state.files.delete(own.name);
    throw error;
  }
  let offset = start;
  for (const segment of segments) {
    state.index.add(segment, own.file, offset);
    offset += segment.bytes.length + 1;
  }
  own.file.scanned = own.file.durable;
}

// Not during a look, which would take the new file for a foreign one, or for one that vanished.
function createFile(state: JournalState, writer: string): Promise<OwnFile> {
  return state.alone(async () => {
    const own = await createOwnFile(state.layout, writer, nextNumber(state, writer));
    state.files.set(own.name, own.file);
    return own;
  });
}

/** A number past every file of the writer that is known here. */
export function nextNumber(state: JournalState, writer: string): number {
  let next = 0;
  for (const file of state.files.values()) if (file.writer === writer) next = Math.max(next, file.n + 1);
  return next;
}

/** The bytes of a journal: each line with its end. */
export function linesOf(segments: readonly Segment[]): Uint8Array {
  const newline = Buffer.from("\n");
  return Buffer.concat(segments.flatMap((segment) => [segment.bytes, newline]));
}
