import { isRunlogError, messageOf, RunlogError, type SegmentGap } from "../errors.ts";
import type { RunRecord } from "../model/records.ts";
import { encodeSegment, placeholder, type Segment } from "../model/segment-line.ts";
import type { LocalStore } from "../stores/store.ts";
import type { Draft, Recorder } from "./recorder.ts";

/**
 * One writer of a run: numbers drafts into segments and has the store keep them, in order, one append at a time. A
 * segment is made at once when the writer was idle, then at most once a second. While the store refuses, segments
 * wait here, up to 64 MiB; past that `accepts()` says no.
 */

/** At most one segment in this time, unless one is full or somebody waits. */
const pauseMillis = 1_000;
const retryMillis = 2_000;
/** What may wait in memory while storage refuses. */
export const maxWaitingBytes: number = 64 * 1_048_576;

/** Where the writer writes, known once the store is open. */
export interface Opened {
  readonly store: LocalStore;
  readonly run: string;
  /** The writer's first record, JSON text. */
  readonly first: string;
  /** Past every clock seen in the run. */
  readonly clock: number;
}

export type Storage = "disk" | "memory" | "full";

export interface Writer {
  /** Call after recording: makes sure that it will be written. */
  touch(): void;
  /** False while 64 MiB wait and nothing more can be kept. */
  accepts(): boolean;
  /** Notes observations that could not be kept. */
  refuse(count: number): void;
  /** Resolves when all recorded so far is durable, or held in memory where storage refuses. */
  flush(): Promise<"disk" | "memory">;
  /** Writes all that is left, without waiting; for the exit of a process. */
  flushSync(): void;
  readonly storage: Storage;
  readonly problem: string | undefined;
  readonly refused: number;
  /** Where it is kept, for people. */
  readonly location: string;
  /** The number of its next segment, once all that was recorded is kept. */
  readonly next: number | undefined;
}

export interface WriterParts {
  readonly writer: string;
  readonly recorder: Recorder;
  /** Opens the store. Rejects only when even memory is not to be had. */
  readonly opened: Promise<Opened>;
  /** The same at once, for the exit hook, when it is known or can be. */
  openedSync(): Opened | undefined;
  /** Another id for the run, when its own was taken in the same moment; tells the run. */
  readonly rename: () => string;
  readonly now: () => number;
  /** A timer that never holds a process open; gives its cancel. */
  readonly timer: (run: () => void, millis: number) => () => void;
  /** After each durable append. */
  readonly saved: (segments: readonly Segment[]) => void;
  readonly warn: (message: string) => void;
}

export function createWriter(parts: WriterParts): Writer {
  const { recorder, writer } = parts;
  let target: Opened | undefined;
  let waiting: { segment: Segment; upTo: number }[] = [];
  let seq = 0;
  let clock = 0;
  let durable = 0;
  let stored = false;
  let refused = 0;
  let unsaidRefusals = 0;
  let lastSeal = Number.NEGATIVE_INFINITY;
  let hurried = false;
  let cancelTimer: (() => void) | undefined;
  let pumping: Promise<void> | undefined;
  let state: "ok" | "full" | "unavailable" | "deleted" = "ok";
  let problem: string | undefined;
  let saidReleased = false;

  parts.opened.then(
    (opened) => {
      target = opened;
      clock = Math.max(clock, opened.clock - 1);
      schedule(0);
    },
    (error: unknown) => {
      problem = messageOf(error);
    },
  );

  const number = (opened: Opened, draft: Draft): void => {
    clock = Math.max(parts.now(), clock + 1);
    const records = draft.records();
    if (seq === 0) records.unshift(opened.first);
    const segment = encodeSegment({ run: opened.run, writer, seq, clock }, records);
    seq += 1;
    waiting.push({ segment, upTo: draft.upTo });
  };

  const seal = (opened: Opened): void => {
    if (unsaidRefusals > 0) {
      recorder.record({ type: "lost", reason: "full", count: unsaidRefusals, time: parts.now() });
      unsaidRefusals = 0;
    }
    lastSeal = performance.now();
    const drafts = recorder.take();
    if (seq === 0 && drafts.length === 0)
      drafts.push({ records: () => [], observations: 0, bytes: 0, upTo: 0 });
    for (const draft of drafts) number(opened, draft);
  };

  const schedule = (millis: number): void => {
    if (cancelTimer !== undefined) return;
    cancelTimer = parts.timer(() => {
      cancelTimer = undefined;
      hurried = false;
      void pump();
    }, millis);
  };

  const pump = (): Promise<void> => {
    pumping ??= drain().finally(() => {
      pumping = undefined;
      if (state === "full" || state === "unavailable") schedule(retryMillis);
      else if (state === "ok" && !recorder.empty && target !== undefined) schedule(pauseMillis);
    });
    return pumping;
  };

  const drain = async (): Promise<void> => {
    const opened = target;
    if (opened === undefined || state === "deleted") return;
    if (waiting.length === 0) seal(opened);
    while (waiting.length > 0) {
      const batch = waiting.slice(0, 64);
      try {
        await opened.store.append(batch.map((each) => each.segment));
      } catch (error) {
        if (renamed(error) || (await refilled(error, opened))) continue;
        failed(error);
        return;
      }
      stored = true;
      sayReleased(opened.store);
      state = "ok";
      problem = undefined;
      // Not by their number: they may have been saved without waiting meanwhile.
      waiting = waiting.filter((each) => !batch.includes(each));
      durable = Math.max(durable, batch.at(-1)?.upTo ?? 0);
      parts.saved(batch.map((each) => each.segment));
      if (waiting.length === 0 && (recorder.full || unsaidRefusals > 0)) seal(opened);
    }
  };

  /** Somebody else began a run of this id a moment before: the run takes another name, before its first segment. */
  const renamed = (error: unknown): boolean => {
    if (stored || target === undefined || !isRunlogError(error, "run_id_taken")) return false;
    const run = parts.rename();
    target = { ...target, run };
    waiting = waiting.map((each) => ({
      ...each,
      segment: encodeSegment({ ...each.segment, run }, [recordsText(each.segment)]),
    }));
    return true;
  };

  /** The store lost what it had kept: placeholders take the numbers, so that the gap shows and the run goes on here. */
  const refilled = async (error: unknown, { store, run, first }: Opened): Promise<boolean> => {
    if (!isRunlogError(error, "segment_gap")) return false;
    const begin = JSON.parse(first) as RunRecord;
    // What was made in its place has another id, and only its own writers are carried on and closed there.
    const id = await store.id().catch(() => begin.store);
    const [head] = waiting;
    const next = (error as SegmentGap).next[writer] ?? 0;
    if (head === undefined || next >= head.segment.seq) return false;
    const missing = Array.from({ length: head.segment.seq - next }, (_, index) => {
      const seq = next + index;
      const name = { run, writer, seq, clock: head.segment.clock };
      return { segment: placeholder(name, "removed", 0, seq === 0 ? begin.uid : undefined), upTo: 0 };
    });
    waiting = [...missing, ...waiting];
    // What the first segment said of the run is said again.
    recorder.record({ ...begin, store: id, time: parts.now() });
    parts.warn(
      `the data of run '${run}' was removed from ${store.location}; what is tracked from now on is kept`,
    );
    return true;
  };

  const sayReleased = ({ released = [], location }: LocalStore): void => {
    if (saidReleased || released.length === 0) return;
    saidReleased = true;
    parts.warn(`${location} was full: delivered runs were released to make room (${released.join(", ")})`);
  };

  const failed = (error: unknown): void => {
    problem = messageOf(error);
    if (isRunlogError(error, "run_deleted")) state = "deleted";
    else state = isRunlogError(error, "storage_full") ? "full" : "unavailable";
  };

  const waitingBytes = (): number =>
    waiting.reduce((sum, each) => sum + each.segment.bytes.length, 0) + recorder.bytes;

  return {
    touch() {
      if (recorder.full && !hurried) {
        hurried = true;
        cancelTimer?.();
        cancelTimer = undefined;
        schedule(0);
      } else if (cancelTimer === undefined) schedule(Math.max(0, lastSeal + pauseMillis - performance.now()));
    },
    accepts: () => state === "ok" || recorder.bytes < maxWaitingBytes / 2 || waitingBytes() < maxWaitingBytes,
    refuse(count) {
      if (refused === 0)
        parts.warn(
          `storage is full and 64 MiB wait in memory: observations are refused now. ${problem ?? ""}`,
        );
      refused += count;
      unsaidRefusals += count;
    },
    async flush() {
      const upTo = recorder.count;
      const before = refused;
      await parts.opened;
      while (!stored || durable < upTo) {
        await pumping;
        if (stored && durable >= upTo) break;
        await pump();
        if (state !== "ok") break;
      }
      if (before > 0 && unsaidRefusals > 0) {
        throw new RunlogError(
          "storage_full",
          `${refused} observations could not be kept: ${problem ?? "storage is full"}`,
        );
      }
      return durable >= upTo && target?.store.kind !== "memory" ? "disk" : "memory";
    },
    flushSync() {
      const opened = target ?? parts.openedSync();
      if (opened?.store.appendSync === undefined || state === "deleted") return;
      clock = Math.max(clock, opened.clock - 1);
      seal(opened);
      if (waiting.length === 0) return;
      opened.store.appendSync(waiting.map((each) => each.segment));
      durable = waiting.at(-1)?.upTo ?? durable;
      stored = true;
      waiting = [];
    },
    get storage() {
      if (state === "full") return "full";
      return state !== "ok" || target?.store.kind === "memory" ? "memory" : "disk";
    },
    get problem() {
      return problem;
    },
    get location() {
      return target?.store.location ?? "not open yet";
    },
    get refused() {
      return refused;
    },
    get next() {
      return stored && durable >= recorder.count ? seq : undefined;
    },
  };
}

/** The text between the brackets of `"records":[…]`. */
function recordsText(segment: Segment): string {
  const text = new TextDecoder().decode(segment.bytes);
  return text.slice(text.indexOf('"records":[') + 11, text.lastIndexOf('],"crc"'));
}
