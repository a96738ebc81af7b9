import { isRunlogError, messageOf } from "../errors.ts";
import type { Position } from "../model/records.ts";
import { maxLevels } from "../model/segment.ts";
import { decodeSegment, readRecords, type Segment } from "../model/segment-line.ts";
import type { Store } from "../stores/store.ts";
import { nestsDeeper } from "./nesting.ts";
import { HttpProblem, problemOf } from "./problem.ts";

interface Lines {
  /** The good ones before the first problem. */
  readonly segments: readonly Segment[];
  readonly problem?: HttpProblem;
}

/**
 * Appends the lines of a request to the run in order, up to the first problem; those before it stay.
 * @returns for each writer in them the number that the store waits for now
 * @throws {HttpProblem} for the first line that cannot be appended, with `next` and where it is
 */
export async function appendLines(store: Store, run: string, body: Uint8Array): Promise<Position> {
  const { segments, problem } = readLines(run, body);
  if (segments.length > 0) await appendAll(store, run, segments);
  const next = await nextOf(store, run, segments);
  if (problem === undefined) return next;
  throw new HttpProblem(problem.status, { ...problem.fields, next });
}

async function appendAll(store: Store, run: string, segments: readonly Segment[]): Promise<void> {
  try {
    await store.append(segments);
  } catch (error) {
    if (!isRunlogError(error)) throw error;
    await appendSingly(store, run, segments);
  }
}

/** Again one by one, which changes nothing about what is there already, to tell which line it was. */
async function appendSingly(store: Store, run: string, segments: readonly Segment[]): Promise<void> {
  for (const [index, segment] of segments.entries()) {
    try {
      await store.append([segment]);
    } catch (error) {
      const { status, fields } = problemOf(error);
      const next = await nextOf(store, run, segments);
      const { writer, seq } = segment;
      throw new HttpProblem(status, { ...fields, next, writer, seq, line: index + 1 });
    }
  }
}

async function nextOf(store: Store, run: string, segments: readonly Segment[]): Promise<Position> {
  const position = await store.position(run);
  return Object.fromEntries(segments.map(({ writer }) => [writer, position[writer] ?? 0]));
}

function readLines(run: string, body: Uint8Array): Lines {
  const segments: Segment[] = [];
  let line = 0;
  for (let at = 0; at < body.length; ) {
    const found = body.indexOf(10, at);
    const end = found < 0 ? body.length : found;
    line += 1;
    try {
      segments.push(readLine(run, body.slice(at, end)));
    } catch (error) {
      const { status, fields } = problemOf(error);
      return { segments, problem: new HttpProblem(status, { ...fields, line }) };
    }
    at = end + 1;
  }
  if (segments.length === 0)
    throw new HttpProblem(400, { code: "empty", detail: "the body holds no segment" });
  return { segments };
}

/** A copy of its bytes: the store may keep them, and the rest of the request shall not live as long. */
function readLine(run: string, bytes: Uint8Array): Segment {
  const segment = decodeSegment(bytes);
  if (nestsDeeper(bytes, maxLevels)) {
    throw new HttpProblem(422, {
      code: "segment_damaged",
      detail: `it nests deeper than ${maxLevels} levels`,
    });
  }
  if (segment.run !== run) {
    const detail = `it is of run '${segment.run}', sent to run '${run}'; send each run to its own URL`;
    throw new HttpProblem(422, { code: "other_run", detail });
  }
  try {
    readRecords(segment);
  } catch (error) {
    throw new HttpProblem(422, { code: "segment_damaged", detail: messageOf(error) });
  }
  return segment;
}
