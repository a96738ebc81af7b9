import type { Answer, Call } from "../http/answer.ts";
import type { Position } from "../model/records.ts";
import { checkRunId } from "../model/run-id.ts";
import type { Segment } from "../model/segment-line.ts";

/** A request holds at most this many segments ... */
export const mostSegments = 200;
/** ... and about this many bytes, but always one segment. */
const mostBytes = 1_048_576;

/** The type of segments on the wire: JSON Lines. */
export const ndjson = "application/x-ndjson";

/** Groups segments into requests, in order; a new run starts a new one. `most` is asked before each. */
export async function* batchesOf(
  segments: AsyncIterable<Segment> | Iterable<Segment>,
  most: () => number,
): AsyncGenerator<readonly [Segment, ...Segment[]]> {
  let batch: Segment[] = [];
  let bytes = 0;
  for await (const segment of segments) {
    const full = batch.length >= most() || bytes + segment.bytes.length > mostBytes;
    if (holds(batch) && (full || batch[0].run !== segment.run)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(segment);
    bytes += segment.bytes.length + 1;
  }
  if (holds(batch)) yield batch;
}

function holds(batch: Segment[]): batch is [Segment, ...Segment[]] {
  return batch.length > 0;
}

/** The request that appends segments of one run. */
export function appendCall(run: string, segments: readonly Segment[]): Call {
  const body = new Uint8Array(segments.reduce((sum, segment) => sum + segment.bytes.length + 1, 0));
  let at = 0;
  for (const segment of segments) {
    body.set(segment.bytes, at);
    at += segment.bytes.length + 1;
    body[at - 1] = 10;
  }
  return { method: "POST", path: `${runPath(run)}/segments`, body, type: ndjson };
}

/**
 * The path of a run.
 * @throws {ValidationError} when `run` cannot name one
 */
export function runPath(run: string): string {
  return `/v1/runs/${checkRunId(run)}`;
}

/** The `next` of an answer, when it is well-formed: writer -> number of its next segment there. */
export function nextOf(answer: Answer): Position | undefined {
  const next = (answer.json as { next?: unknown } | null | undefined)?.next;
  if (typeof next !== "object" || next === null || Array.isArray(next)) return undefined;
  const fits = Object.entries(next).every(
    ([writer, seq]) => /^[0-9a-f]{12}$/.test(writer) && Number.isSafeInteger(seq) && (seq as number) >= 0,
  );
  return fits ? (next as Position) : undefined;
}

/** The machine-readable `code` of a problem document. */
export function codeOf(answer: Answer): string | undefined {
  const code = (answer.json as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

/** True when `next` says that every one of `segments` is there. */
export function coversAll(next: Position | undefined, segments: readonly Segment[]): next is Position {
  return next !== undefined && segments.every(({ writer, seq }) => (next[writer] ?? 0) > seq);
}
