import type { FinishRecord, RunRecord, Status } from "../model/records.ts";
import type { Place } from "./columns.ts";

/** A writer's start or end and where it stands; `run` is undefined for a start whose record is lost. */
export type Mark =
  | { readonly kind: "start"; readonly place: Place; readonly run: RunRecord | undefined }
  | { readonly kind: "end"; readonly place: Place; readonly finish: FinishRecord };

export interface Outcome {
  readonly status: Status;
  readonly ended: number | undefined;
  readonly signal: string | undefined;
  readonly message: string;
}

/** A writer that said where it began. */
export interface Participant {
  readonly writer: string;
  /** The store that it writes to first; empty when its first segment is lost. */
  readonly store: string;
  /** True while its start counts and has no end: it is at work, or died without a word. */
  readonly open: boolean;
}

/** Every writer of a run, in the order of their starts. */
export function participants(marks: readonly Mark[], isEnded: (place: Place) => boolean): Participant[] {
  const found = new Map<string, Participant>();
  for (const mark of marks) {
    const { writer } = mark.place;
    const store = found.get(writer)?.store || (mark.kind === "start" && mark.run?.store) || "";
    found.set(writer, { writer, store, open: mark.kind === "start" && !isEnded(mark.place) });
  }
  return [...found.values()];
}

/** Whether one of its own writers finished the run; a close of the dead is no finish. */
export function isFinished(marks: readonly Mark[], isEnded: (place: Place) => boolean): boolean {
  return marks.some((mark) => mark.kind === "end" && mark.finish.dead !== true && !isEnded(mark.place));
}

/**
 * Whether what stands at `place` was declared ended: another writer's run record names its writer in `ended`, and its
 * segment lies in that record's `seen`.
 */
export function endedBy(marks: readonly Mark[]): (place: Place) => boolean {
  const until = new Map<string, number>();
  for (const mark of marks) {
    if (mark.kind !== "start") continue;
    for (const writer of mark.run?.ended ?? []) {
      if (writer === mark.place.writer) continue;
      until.set(writer, Math.max(until.get(writer) ?? 0, ownCount(mark.run?.seen, writer)));
    }
  }
  return ({ writer, seq }) => seq < (until.get(writer) ?? 0);
}

/**
 * The status of a run. Starts and ends that were declared ended do not count; of the rest any FAIL is FAIL, else a
 * start without its end is PROCESSING, else it is SUCCESS. A run in which nothing counts never ended: PROCESSING.
 * @param marks in the order of the fold
 */
export function outcomeOf(marks: readonly Mark[], isEnded: (place: Place) => boolean): Outcome {
  const counting = marks.filter((mark) => !isEnded(mark.place));
  const open = new Map<string, boolean>();
  for (const mark of counting) open.set(mark.place.writer, mark.kind === "start");
  const ends = counting.flatMap((mark) => (mark.kind === "end" ? [mark.finish] : []));
  const failed = ends.filter((finish) => finish.status === "FAIL");
  const going = ends.length === 0 || [...open.values()].includes(true);
  const status = failed.length > 0 ? "FAIL" : going ? "PROCESSING" : "SUCCESS";
  return {
    status,
    ended: status === "PROCESSING" ? undefined : ends.at(-1)?.time,
    signal: failed.findLast((finish) => finish.signal !== undefined)?.signal,
    message: failed.findLast((finish) => finish.message !== undefined)?.message ?? "",
  };
}

/**
 * The step from which the observations of a segment are superseded: the least `rewindTo` of the run records that had
 * seen it; Infinity when there is none.
 */
export function rewindLimit(marks: readonly Mark[]): ((place: Place) => number) | undefined {
  const rewinds = marks.flatMap((mark) =>
    mark.kind === "start" && mark.run?.rewindTo !== undefined ? [mark.run] : [],
  );
  if (rewinds.length === 0) return undefined;
  return ({ writer, seq }) => {
    let limit = Number.POSITIVE_INFINITY;
    for (const { seen, rewindTo } of rewinds) {
      if (seq < ownCount(seen, writer)) limit = Math.min(limit, rewindTo as number);
    }
    return limit;
  };
}

function ownCount(seen: RunRecord["seen"], writer: string): number {
  return seen !== undefined && Object.hasOwn(seen, writer) ? (seen[writer] as number) : 0;
}
