import type { Status } from "../model/records.ts";
import { type Sampled, sampledFrom, sampleSize } from "./run-log-metrics.ts";
import { ordered, stepsOf } from "./run-log-steps.ts";
import { jsonChunks, pieceSize, plain, timeText } from "./run-log-text.ts";
import type { RunState } from "./state.ts";

/** The run log of magnus 0.5: what `FileSystemRunLogstore` reads and writes, field by field. */
export interface RunLog {
  readonly run_id: string;
  readonly dag_hash: string;
  readonly use_cached: boolean;
  readonly tag: string;
  readonly original_run_id: string;
  readonly status: Status;
  /** By task, closed by `success` or `fail` once the run has ended. */
  readonly steps: Readonly<Record<string, StepLog>>;
  /** The values said first. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** What a run has beyond magnus, under `runlog`. */
  readonly run_config: { readonly runlog: Readonly<Record<string, unknown>> };
}

export interface StepLog {
  readonly name: string;
  readonly internal_name: string;
  readonly status: Status;
  /** `task`, `parallel`, `map`, `success` or `fail`; other programs have more. */
  readonly step_type: string;
  readonly message: string;
  readonly mock: boolean;
  readonly code_identities: readonly unknown[];
  readonly attempts: readonly StepAttempt[];
  /** key -> its value, or an object by step. NaN and ±Infinity are strings. */
  readonly user_defined_metrics: Readonly<Record<string, unknown>>;
  /** By internal name: `<task>.<branch>`. */
  readonly branches: Readonly<Record<string, BranchLog>>;
  readonly data_catalog: readonly DataCatalog[];
}

/** A branch of a parallel or map task. */
export interface BranchLog {
  readonly internal_name: string;
  readonly status: Status;
  /** By internal name, closed as the run's own. */
  readonly steps: Readonly<Record<string, StepLog>>;
}

export interface StepAttempt {
  readonly attempt_number: number;
  /** `YYYY-MM-DD HH:MM:SS.ffffff`, UTC. */
  readonly start_time: string;
  readonly end_time: string;
  /** As Python's `str(timedelta)`. */
  readonly duration: string;
  readonly status: Status;
  readonly message: string;
  /** The parameters in force when it started. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface DataCatalog {
  readonly name: string;
  /** SHA-256, hex. */
  readonly data_hash: string;
  readonly catalog_relative_path: string;
  readonly catalog_handler_location: string;
  readonly stage: "put" | "get";
}

export interface RunLogOptions {
  /** Every step of every key; else a key of more than 100,000 steps is a sample of 10,000. @default false */
  readonly full?: boolean;
}

/**
 * The run log as an object. JavaScript sorts integer-like names, so steps come by number here; `runLogJson` keeps the
 * order of tracking.
 */
export function runLog(state: RunState, options: RunLogOptions = {}): RunLog {
  return plain(treeOf(state, options)) as RunLog;
}

/** The run log as the JSON text of a file, steps in the order of tracking, `-0` as `-0.0`. */
export function runLogJson(state: RunState, options: RunLogOptions = {}): string {
  return [...runLogChunks(state, options)].join("");
}

/** The text of `runLogJson` in pieces of about 64 KiB, for logs too long to hold. */
export function* runLogChunks(
  state: RunState,
  options: RunLogOptions = {},
): Generator<string, void, undefined> {
  let text = "";
  for (const chunk of jsonChunks(treeOf(state, options))) {
    text += chunk;
    if (text.length < pieceSize) continue;
    yield text;
    text = "";
  }
  yield text;
}

function treeOf(state: RunState, { full = false }: RunLogOptions): Record<string, unknown> {
  const sampled: Sampled[] = [];
  const { dag_hash = "", use_cached = false, original_run_id = "", run_config } = state.log;
  return {
    run_id: state.run,
    dag_hash,
    use_cached,
    tag: state.tag ?? "",
    original_run_id,
    status: state.status,
    steps: stepsOf(state, full, sampled),
    parameters: ordered(state.parameters),
    run_config: { ...(run_config as object | undefined), runlog: extras(state, sampled) },
  };
}

function extras(state: RunState, sampled: readonly Sampled[]): Record<string, unknown> {
  const { uid, key, owner, signal, message, host, model, destinations, changes, lost, unknown } = state;
  return {
    uid,
    key,
    owner,
    signal,
    message: message === "" ? undefined : message,
    host,
    labels: state.labels.size === 0 ? undefined : Object.fromEntries(state.labels),
    model,
    destinations: unlessEmpty(destinations),
    parameter_changes: unlessEmpty(
      changes.map(({ name, stored, time }) => ({ name, value: stored.json ?? null, time: timeText(time) })),
    ),
    lost: unlessEmpty(lost),
    unknown_records: unknown === 0 ? undefined : unknown,
    sampled: unlessEmpty(sampled),
    ...(sampled.length > 0 && {
      sampled_note: `keys of more than ${sampledFrom} steps show ${sampleSize} at most; export the run for all`,
    }),
  };
}

function unlessEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}
