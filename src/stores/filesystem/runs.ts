import type { Segment } from "../../model/segment-line.ts";
import { createDerived, type Derived } from "./derived.ts";
import { createHandlePool } from "./handle-pool.ts";
import { createJournal, type Journal } from "./journal.ts";
import type { Layout } from "./layout.ts";
import { runsIn } from "./signature.ts";

/** One run as this instance has it open. */
export interface OpenRun {
  readonly journal: Journal;
  readonly derived: Derived;
}

/** The runs that an instance has met. */
export interface Runs {
  of(run: string): OpenRun;
  /** All segments are of one run. @param first comes before them */
  append(run: string, segments: readonly Segment[], first: () => Promise<void>): Promise<void>;
  /** Every run that is not deleted, with what changes when its segments do. */
  versions(): Promise<Map<string, string>>;
  /** Waits for appends under way, brings the run logs up to date and frees the handles. */
  close(): Promise<void>;
}

export function createRuns(layout: Layout): Runs {
  const open = new Map<string, OpenRun>();
  const pool = createHandlePool();
  const pending = new Set<Promise<void>>();

  const of = (run: string): OpenRun => {
    const known = open.get(run);
    if (known !== undefined) return known;
    const journal = createJournal(layout.run(run), pool);
    const opened = { journal, derived: createDerived(journal) };
    open.set(run, opened);
    return opened;
  };
  const append = async (run: string, segments: readonly Segment[]): Promise<void> => {
    const { journal, derived } = of(run);
    // Also after a failure: those before the problem stay.
    await journal.append(segments).finally(() => derived.note(segments));
  };
  return {
    of,
    append(run, segments, first) {
      const appending = first().then(() => append(run, segments));
      pending.add(appending);
      return appending.finally(() => pending.delete(appending));
    },
    async versions() {
      const versions = new Map<string, string>();
      for (const run of await runsIn(layout)) {
        const { state } = of(run).journal;
        await state.refresh();
        if (!state.deleted) versions.set(run, String(state.index.version));
      }
      return versions;
    },
    async close() {
      await Promise.allSettled(pending);
      for (const { derived } of open.values()) await derived.flush();
      await pool.release();
    },
  };
}
