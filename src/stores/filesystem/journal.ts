import { utimes } from "node:fs/promises";
import type { Position } from "../../model/records.ts";
import type { Segment } from "../../model/segment-line.ts";
import { createAppender } from "./appender.ts";
import type { HandlePool } from "./handle-pool.ts";
import { createJournalState, type JournalState } from "./journal-state.ts";
import type { RunLayout } from "./layout.ts";
import { readSegments } from "./read.ts";
import type { JournalFile } from "./run-index.ts";
import { mtimeOf } from "./scan.ts";

/** One run in the folder. */
export interface Journal {
  readonly state: JournalState;
  append(segments: readonly Segment[]): Promise<void>;
  position(): Promise<Position>;
  segments(from: Position): AsyncGenerator<Segment>;
  lastWrite(writer: string): Promise<number | undefined>;
  touch(writer: string): Promise<void>;
}

export function createJournal(layout: RunLayout, pool: HandlePool): Journal {
  const state = createJournalState(layout);
  const newest = (writer: string): JournalFile | undefined =>
    [...state.files.values()]
      .filter((file) => file.writer === writer)
      .sort((one, other) => other.n - one.n)[0];
  return {
    state,
    append: createAppender(state, pool).append,
    async position() {
      await state.refresh();
      return state.index.position();
    },
    async *segments(from) {
      await state.refresh();
      yield* readSegments(state.layout.run, state.index, from, state.reread);
    },
    async lastWrite(writer) {
      await state.refresh();
      const file = newest(writer);
      return file && mtimeOf(file.path);
    },
    async touch(writer) {
      await state.refresh();
      const file = newest(writer);
      const now = new Date();
      if (file !== undefined) await utimes(file.path, now, now);
    },
  };
}
