import { existsSync } from "node:fs";
import { RunlogError } from "../../errors.ts";
import type { RunLayout } from "./layout.ts";
import { createRunIndex, type JournalFile, type RunIndex } from "./run-index.ts";
import { refresh, restart } from "./scan.ts";

/** What an instance knows of one run's folder. */
export interface JournalState {
  readonly layout: RunLayout;
  readonly index: RunIndex;
  /** By name. */
  readonly files: Map<string, JournalFile>;
  /** As of the last look. */
  readonly deleted: boolean;
  /** Looks at the folder. Looks do not overlap. */
  refresh(): Promise<void>;
  /** Forgets what the files hold, and looks. */
  reread(): Promise<void>;
  /** Runs `work` while no look is under way. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  /** @throws {RunlogError} `run_id_taken` when a run log of another program has this name. */
  checkName(): void;
}

export function createJournalState(layout: RunLayout): JournalState {
  const index = createRunIndex(layout.run);
  const files = new Map<string, JournalFile>();
  let deleted = false;
  let known = false;
  let last: Promise<unknown> = Promise.resolve();
  const look = async (): Promise<void> => {
    const found = await refresh(layout, index, files);
    deleted = found.deleted;
    known ||= found.exists;
  };
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work, work);
    last = mine;
    return mine;
  };
  return {
    layout,
    index,
    files,
    refresh: () => alone(look),
    reread: () =>
      alone(() => {
        restart(index, files, new Set(files.keys()));
        return look();
      }),
    alone,
    checkName() {
      if (known || !existsSync(layout.derived)) return;
      throw new RunlogError(
        "run_id_taken",
        `'${layout.derived}' is a run log of another program; choose another runId or leave it out`,
      );
    },
    get deleted() {
      return deleted;
    },
  };
}
