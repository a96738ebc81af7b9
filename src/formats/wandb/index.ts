import { RunlogError } from "../../errors.ts";
import type { Segment } from "../../model/segment-line.ts";
import { foldSegments } from "../../read/fold.ts";
import { runLogChunks } from "../../read/run-log.ts";
import type { RunState } from "../../read/state.ts";
import { historyOf } from "./history.ts";
import { runIdOf } from "./names.ts";
import { notHeld } from "./not-held.ts";
import { records, runLogFile } from "./records.ts";
import { transactionLog } from "./transaction-log.ts";

/** A file of the directory. */
export interface WandbFile {
  /** From the directory on, with `/`. */
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** An offline run of W&B: what `wandb sync DIRECTORY` uploads. */
export interface WandbRun {
  /** `offline-run-YYYYMMDD_HHMMSS-<id>`, the start in UTC. */
  readonly directory: string;
  readonly files: readonly WandbFile[];
  /** What W&B cannot hold as it is, a line each, for people. */
  readonly notes: readonly string[];
}

/**
 * A run as the directory that W&B keeps of an offline run. The tag is the project, the run's id its display name,
 * parameters are the config, labels tags (`name=value`), the last value of each key the summary. Keys of tasks other
 * than `main` are `<task>/<key>`. Where steps are negative or come again, `_step` counts the rows and `step` is the
 * step. `files/run-log.json` holds the whole run log.
 *
 * W&B's own programs (0.31, and the reader of 0.19) read the directory; the upload itself, which needs their service,
 * and what its pages show of it were never tried.
 *
 * @throws {RunlogError} `not_found` when the store does not hold the run's start
 */
export async function wandbFiles(
  store: { segments(run: string): AsyncIterable<Segment> },
  run: string,
): Promise<WandbRun> {
  const segments: Segment[] = [];
  for await (const segment of store.segments(run)) segments.push(segment);
  const state = foldSegments(segments);
  if (state === undefined) throw new RunlogError("not_found", `there is no run '${run}' in this store`);
  return directoryOf(state);
}

function directoryOf(state: RunState): WandbRun {
  const id = runIdOf(state);
  const history = historyOf(state);
  const started = new Date(state.started).toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "_");
  return {
    directory: `offline-run-${started}-${id}`,
    files: [
      { path: `files/${runLogFile}`, bytes: joined(texts(runLogChunks(state, { full: true }))) },
      { path: `run-${id}.wandb`, bytes: joined(transactionLog(records(state, history))) },
    ],
    notes: notHeld(state, history),
  };
}

function* texts(chunks: Iterable<string>): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  for (const chunk of chunks) yield encoder.encode(chunk);
}

function joined(parts: Iterable<Uint8Array>): Uint8Array<ArrayBuffer> {
  const all = [...parts];
  const bytes = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of all) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
