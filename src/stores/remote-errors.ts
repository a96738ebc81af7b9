import { type ErrorCode, RunlogError, SegmentConflict, SegmentGap } from "../errors.ts";
import type { Answer } from "../http/answer.ts";
import type { Segment } from "../model/segment-line.ts";
import { codeOf, nextOf } from "./remote-batch.ts";

const known: readonly string[] = [
  "invalid",
  "run_deleted",
  "run_id_taken",
  "segment_conflict",
  "segment_damaged",
  "segment_gap",
  "storage_full",
  "storage_unavailable",
] satisfies readonly ErrorCode[];

/** The error that an answer stands for: the store's own behind the server, or `unreachable`. */
export function errorOf(answer: Answer, sent: readonly Segment[] = []): RunlogError {
  const code = codeOf(answer);
  const message =
    answer.problem === undefined ? answer.text : `${answer.problem.message}; ${answer.problem.action}`;
  if (code === undefined || !known.includes(code)) return new RunlogError("unreachable", message);
  const { writer, seq } = answer.json as { writer?: unknown; seq?: unknown };
  const at = sent.find((segment) => segment.writer === writer && segment.seq === seq);
  const next = nextOf(answer);
  if (code === "segment_conflict" && at !== undefined) return new SegmentConflict(at.run, at.writer, at.seq);
  if (code === "segment_gap" && at !== undefined && next !== undefined) {
    return new SegmentGap(at.run, at.writer, at.seq, next);
  }
  return new RunlogError(code as ErrorCode, message);
}
