import { RunlogError, SegmentConflict, SegmentGap } from "../errors.ts";
import type { Position } from "../model/records.ts";
import { checkRunId } from "../model/run-id.ts";
import {
  isPlaceholder,
  maxSegmentBytes,
  placeholder,
  readRecords,
  type Segment,
  sameSegment,
} from "../model/segment-line.ts";

/** What every store does with a segment that comes in, as pure functions: the append rules of `Store`. */

/** What a store knows of the segment's run. */
export interface KnownRun {
  readonly deleted: boolean;
  /** Undefined until a first segment told it. */
  readonly uid: string | undefined;
  /** writer -> next number. */
  readonly next: Position;
}

/** What a store holds under the segment's name. */
export interface Held {
  readonly crc: string;
  /** Bytes of the line. */
  readonly length: number;
  readonly placeholder: boolean;
}

/** `add` and `replace` are written, `skip` is here already. */
export type Verdict = "add" | "replace" | "skip";

const newline = 10;
const writerShape = /^[0-9a-f]{12}$/;
const uidShape = /^[0-9a-f]{32}$/;

/**
 * What to do with `segment`, given what is held under its name (undefined for a number that is known but unreadable).
 * @throws {SegmentGap} when it comes before its predecessors.
 * @throws {SegmentConflict} when other bytes are held.
 * @throws {RunlogError} `run_deleted`, `run_id_taken`, `segment_damaged`.
 */
export function judge(segment: Segment, run: KnownRun, held: Held | undefined): Verdict {
  checkSegment(segment);
  if (run.deleted) throw runDeleted(segment.run);
  if (segment.seq === 0) checkUid(segment, run.uid);
  const next = run.next[segment.writer] ?? 0;
  if (segment.seq > next) throw new SegmentGap(segment.run, segment.writer, segment.seq, run.next);
  if (segment.seq === next) return "add";
  return judgeAgain(segment, held);
}

/** The uid that a first segment tells; undefined for other numbers, and where a placeholder or a newer version tells none. */
export function uidOf(segment: Segment): string | undefined {
  if (segment.seq !== 0) return undefined;
  const first = readRecords(segment)[0];
  if (first?.type === "run" || first?.type === "lost") return first.uid;
  if (segment.v === 1) {
    throw new RunlogError(
      "segment_damaged",
      `the first record of a writer must be of type 'run', found '${first?.type}'`,
    );
  }
  const inner = (first as { record?: { records?: { uid?: unknown }[] } } | undefined)?.record?.records?.[0]
    ?.uid;
  return typeof inner === "string" && uidShape.test(inner) ? inner : undefined;
}

/** What is held once `segment` is. */
export function heldOf(segment: Segment): Held {
  return { crc: segment.crc, length: segment.bytes.length, placeholder: isPlaceholder(segment) };
}

/**
 * Stands for a segment whose bytes are unreadable here. The same in every store and at every reading; its clock is
 * unknown, and 0 puts it first in the fold, where it touches nothing.
 */
export function damagedSegment(
  run: string,
  writer: string,
  seq: number,
  uid: string | undefined,
  reason = "damaged",
): Segment {
  return placeholder({ run, writer, seq, clock: 0 }, reason, 0, seq === 0 ? uid : undefined);
}

/** @throws {RunlogError} `invalid` unless `writer` is 12 hex digits: it becomes part of a file name. */
export function checkWriter(writer: string): string {
  if (writerShape.test(writer)) return writer;
  throw new RunlogError("invalid", `a writer is 12 lower-case hex digits, found '${writer.slice(0, 40)}'`);
}

/** What the writers of a deleted run get. */
export function runDeleted(run: string): RunlogError {
  return new RunlogError(
    "run_deleted",
    `run '${run}' was deleted from this store; start a new run to track more`,
  );
}

function checkSegment(segment: Segment): void {
  checkRunId(segment.run);
  checkWriter(segment.writer);
  const { length } = segment.bytes;
  if (length > maxSegmentBytes) {
    throw new RunlogError(
      "segment_damaged",
      `a segment has at most 4 MiB, found ${length} bytes; split its records`,
    );
  }
  if (segment.bytes.includes(newline)) {
    throw new RunlogError("segment_damaged", "a segment is one line; found a line end inside");
  }
}

function checkUid(segment: Segment, known: string | undefined): void {
  const uid = uidOf(segment);
  if (known === undefined || uid === undefined || uid === known) return;
  throw new RunlogError(
    "run_id_taken",
    `another run is named '${segment.run}' in this store; leave runId out to get a free one, or use resumeRun() to go on with it`,
  );
}

function judgeAgain(segment: Segment, held: Held | undefined): Verdict {
  if (held !== undefined && sameSegment(segment, { crc: held.crc, bytes: held })) return "skip";
  if (isPlaceholder(segment)) return "skip";
  if (held === undefined || held.placeholder) return "replace";
  throw new SegmentConflict(segment.run, segment.writer, segment.seq);
}
