import { isRunlogError } from "../../errors.ts";
import type { Position } from "../../model/records.ts";
import { decodeSegment, type Segment } from "../../model/segment-line.ts";
import { type Held, heldOf, uidOf } from "../rules.ts";
import type { Line } from "./line-scanner.ts";

/** What an instance knows of one journal file. */
export interface JournalFile {
  readonly path: string;
  readonly writer: string;
  readonly n: number;
  /** Created by this instance: indexed by its own acknowledgements, up to `durable`, never by looking. */
  readonly own: boolean;
  /** Every line before this is indexed. */
  scanned: number;
  /** Bytes at the last look. */
  size: number;
  /** Bytes that are known to be on disk, not only in the system's memory. */
  durable: number;
}

/** Where a segment's line is. */
export interface Entry extends Held {
  readonly file: JournalFile;
  readonly offset: number;
}

/** Where every segment of a run is: the join of its journal files, in memory. */
export interface RunIndex {
  /** Told by a writer's first segment. */
  readonly uid: string | undefined;
  /** Grows with each change, and never returns to an earlier value. */
  readonly version: number;
  position(): Position;
  /** A writer's entries by number; holes are segments that are damaged. */
  entries(writer: string): readonly (Entry | undefined)[];
  /** Notes that `segment` is at `offset` of `file`. A true segment beats a placeholder, else the first one stays. */
  add(segment: Segment, file: JournalFile, offset: number): void;
  /** Reads a line of `file`; false when it is damaged. */
  addLine(line: Line, file: JournalFile): boolean;
  clear(): void;
}

// A run that lacks more numbers than this was not written by runlog; each is a placeholder to whoever reads.
const mostMissing = 1_000_000;

export function createRunIndex(run: string): RunIndex {
  const writers = new Map<string, (Entry | undefined)[]>();
  let told: string | undefined;
  let guessed: string | undefined;
  let version = 0;
  let missing = 0;

  const add = (segment: Segment, file: JournalFile, offset: number): void => {
    const all = writers.get(segment.writer) ?? [];
    const known = all[segment.seq];
    told ??= toldUid(segment);
    if (known !== undefined && !(known.placeholder && !heldOf(segment).placeholder)) return;
    missing += Math.max(0, segment.seq - all.length);
    all[segment.seq] = { ...heldOf(segment), file, offset };
    writers.set(segment.writer, all);
    version += 1;
  };
  return {
    add,
    addLine(line, file) {
      const segment = decoded(line.bytes);
      const next = writers.get(file.writer)?.length ?? 0;
      const fits =
        segment?.run === run && segment.writer === file.writer && segment.seq <= next + mostMissing - missing;
      if (fits) add(segment, file, line.offset);
      else guessed ??= guessedUid(line.bytes);
      return fits;
    },
    position: () => Object.fromEntries(Array.from(writers, ([writer, all]) => [writer, all.length])),
    entries: (writer) => writers.get(writer) ?? [],
    clear() {
      writers.clear();
      told = undefined;
      guessed = undefined;
      missing = 0;
      version += 1;
    },
    get uid() {
      return told ?? guessed;
    },
    get version() {
      return version;
    },
  };
}

/** The segment in a line, or undefined when it is damaged. */
export function decoded(bytes: Uint8Array): Segment | undefined {
  try {
    return decodeSegment(bytes);
  } catch (error) {
    if (isRunlogError(error, "segment_damaged")) return undefined;
    throw error;
  }
}

// A first segment may be whole and yet hold no run record that this version takes: then it tells nothing.
function toldUid(segment: Segment): string | undefined {
  try {
    return uidOf(segment);
  } catch (error) {
    if (isRunlogError(error, "segment_damaged")) return undefined;
    throw error;
  }
}

// Of a damaged first line the uid can mostly still be read. What a whole line tells comes before it.
function guessedUid(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes.subarray(0, 65_536)).toString("latin1");
  return /"type":"(?:run|lost)"[^\n]*?"uid":"([0-9a-f]{32})"/.exec(text)?.[1];
}
