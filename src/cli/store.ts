import { existsSync } from "node:fs";
import { allSegments } from "../client/opening.ts";
import { RunlogError } from "../errors.ts";
import { runIdRule } from "../model/run-id.ts";
import { foldSegments } from "../read/fold.ts";
import type { RunQuery } from "../read/query.ts";
import type { RunState } from "../read/state.ts";
import type { RunSummary } from "../read/summary.ts";
import { filesystemStore } from "../stores/filesystem/index.ts";
import type { LocalStore } from "../stores/store.ts";

/**
 * Runs `body` on the store in `folder` and closes it.
 * @throws {RunlogError} `not_found` when there is no such folder: reading must not make one.
 */
export async function withStore<T>(folder: string, body: (store: LocalStore) => Promise<T>): Promise<T> {
  if (!existsSync(folder)) {
    const hint = "say --store DIR or set RUNLOG_STORE";
    throw new RunlogError("not_found", `there is no folder of runs at '${folder}'; ${hint}`);
  }
  return await withNewStore(folder, body);
}

/** As `withStore`, and makes the folder when it is missing. */
export async function withNewStore<T>(folder: string, body: (store: LocalStore) => Promise<T>): Promise<T> {
  const store = filesystemStore(folder);
  try {
    return await body(store);
  } finally {
    await store.close();
  }
}

/** The runs that fit `query`. */
export async function listRuns(store: LocalStore, query: RunQuery): Promise<RunSummary[]> {
  const found: RunSummary[] = [];
  for await (const summary of store.runs(query)) found.push(summary);
  return found;
}

/** @throws {RunlogError} `not_found` unless the store holds something of `run`. */
export async function checkRun(store: LocalStore, run: string): Promise<void> {
  const rule = runIdRule(run);
  if (rule !== undefined) throw new RunlogError("invalid", `the run id '${run}' ${rule}`);
  if (Object.keys(await store.position(run)).length === 0) {
    throw new RunlogError(
      "not_found",
      `there is no run '${run}' in ${store.location}; 'runlog runs' lists them`,
    );
  }
}

/**
 * The fold of a run.
 * @throws {RunlogError} `not_found` when the store does not hold it
 */
export async function readRun(folder: string, run: string): Promise<RunState> {
  return await withStore(folder, async (store) => {
    await checkRun(store, run);
    const state = foldSegments(await allSegments(store, run));
    if (state !== undefined) return state;
    throw new RunlogError(
      "not_found",
      `run '${run}' has no start yet: only later parts of it are in ${store.location}`,
    );
  });
}
