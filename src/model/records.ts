/**
 * The records of a segment, every field explained. `segment.ts` holds the schemas that check them. Unknown types and
 * unknown fields are kept and passed on, never refused, so that an older runlog carries what a newer one wrote.
 */

/** CREATED, TRIGGERED and PROCESSING are before and in the middle; SUCCESS and FAIL are the ends. */
export type Status = "CREATED" | "TRIGGERED" | "PROCESSING" | "SUCCESS" | "FAIL";

/** writer -> the number of its next segment: all before it are known. */
export type Position = Readonly<Record<string, number>>;

/** A value as stored: JSON and, when JSON alone could not hold it, superjson's `meta`. */
export interface StoredValue {
  readonly json?: unknown;
  readonly meta?: unknown;
}

/** Where a run goes; never a secret. */
export interface DestinationName {
  readonly kind: string;
  /** Normalised: no user info, query, hash or end slash. */
  readonly url: string;
}

/** A writer's first record, and again when it comes back after being taken for dead. */
export interface RunRecord {
  readonly type: "run";
  /** When this writer began, milliseconds since 1970 (as every time here). */
  readonly time: number;
  /** 32 hex digits that tell runs of one id apart; the same for all writers of a run. */
  readonly uid: string;
  /** Groups runs; the experiment in MLflow. The first one said stands. */
  readonly tag?: string | undefined;
  /** The `resumeRun({ key })` that began the run. */
  readonly key?: string | undefined;
  /** Whose run it is, where several people share a browser or a folder. */
  readonly owner?: string | undefined;
  /** name -> value. Absent when the writer said none. */
  readonly parameters?: Readonly<Record<string, StoredValue>> | undefined;
  /** name -> text. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** The metric model as JSON Schema, with `x-goal` and `x-unit` on metrics. */
  readonly model?: unknown;
  readonly destinations?: readonly DestinationName[] | undefined;
  /** Code identities, as in the run log. */
  readonly code?: readonly unknown[] | undefined;
  /** What another program's run log says of the run and has no place here: `dag_hash`, `run_config`, … */
  readonly log?: Readonly<Record<string, unknown>> | undefined;
  /** What ran it: `{ name: "node" | "browser" | …, version, platform }`. */
  readonly host?: unknown;
  /** The random id of the store this writer writes to first. Only a process on that store may close the writer. */
  readonly store: string;
  /** True when the run began on another host and this writer's store joined it by its uid. */
  readonly joined?: boolean | undefined;
  /** What that store held of this run when the writer began. */
  readonly seen?: Position | undefined;
  /** The writers in `seen` that held no lock then: their run and finish records up to `seen` no longer count. */
  readonly ended?: readonly string[] | undefined;
  /** Observations inside `seen` whose step is at least this are superseded. */
  readonly rewindTo?: number | undefined;
}

/** A start (PROCESSING) or end (SUCCESS, FAIL) of a task, or of a branch of one. */
export interface TaskRecord {
  readonly type: "task";
  /** The name that observations point to: of a nested one `nameOfPath(path)`. */
  readonly task: string;
  /** The names from the outermost task on, tasks and branches in turn; absent for an outermost task. */
  readonly path?: readonly string[] | undefined;
  /** `parallel` or `map` for a task that holds branches; other programs have more. @default "task" */
  readonly kind?: string | undefined;
  /** From 1; grows only by retries inside one `run.task()` call. 0 tells a status without any attempt. */
  readonly attempt: number;
  readonly status: Status;
  readonly time: number;
  /** Microseconds past `time`, 0 to 999, where another program measured them. */
  readonly micros?: number | undefined;
  /** The error's message when it failed. */
  readonly message?: string | undefined;
  /** True for a task that was not run, because an earlier run's result was taken. */
  readonly mock?: boolean | undefined;
  /** The code of this task where it is not the run's, as in `RunRecord`. */
  readonly code?: readonly unknown[] | undefined;
  /** The parameters in force at the attempt's start, where another program says them. */
  readonly parameters?: Readonly<Record<string, StoredValue>> | undefined;
}

/** Metrics as columns of equal length, in the order they were tracked. */
export interface MetricsRecord {
  readonly type: "metrics";
  readonly task: string;
  /** The task's attempt; 1 when absent. */
  readonly attempt?: number | undefined;
  /** The names that `key` points into. */
  readonly keys: readonly string[];
  readonly key: readonly number[];
  readonly step: readonly number[];
  /** The first is absolute, every other the difference from the one before, possibly negative. */
  readonly time: readonly number[];
  /** Numbers; NaN, Infinity, -Infinity and -0 as strings. */
  readonly value: readonly (number | string)[];
}

/** One observation that is not a number. */
export interface ValueRecord extends StoredValue {
  readonly type: "value";
  readonly task: string;
  readonly attempt?: number | undefined;
  readonly key: string;
  readonly step: number;
  readonly time: number;
}

/** A parameter set or changed after the start. */
export interface ParameterRecord extends StoredValue {
  readonly type: "parameter";
  readonly name: string;
  readonly time: number;
}

/** A label set after the start; an empty value removes it. */
export interface LabelRecord {
  readonly type: "label";
  readonly name: string;
  readonly value: string;
  readonly time: number;
}

/** A file put into or taken from the data catalog. */
export interface ArtifactRecord {
  readonly type: "artifact";
  readonly name: string;
  readonly task: string;
  readonly time: number;
  readonly stage: "put" | "get";
  /** Hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/**
 * Something that was tracked and is gone. Reason `full`: the store had no room and memory was used up. Alone in a
 * segment with any other reason it stands for the segment of that name: `damaged` here, `refused` there, or, with the
 * URLs behind it, `released` here to make room after it was delivered.
 */
export interface LostRecord {
  readonly type: "lost";
  readonly reason: string;
  /** Observations, as far as known. */
  readonly count: number;
  /** In segment 0: the uid that its run record would have held. */
  readonly uid?: string | undefined;
  readonly time?: number | undefined;
}

/** A writer's end. Observations may still follow; they change no status. */
export interface FinishRecord {
  readonly type: "finish";
  readonly status: "SUCCESS" | "FAIL";
  readonly time: number;
  /** Why it failed. */
  readonly message?: string | undefined;
  /** The signal that ended the process. */
  readonly signal?: string | undefined;
  /** True when it closes writers that died without a word: the run was never finished, and can be continued. */
  readonly dead?: boolean | undefined;
}

/** A record of a type that this version does not know; kept and passed on. */
export interface UnknownRecord {
  readonly type: "unknown";
  readonly record: unknown;
}

export type SegmentRecord =
  | RunRecord
  | TaskRecord
  | MetricsRecord
  | ValueRecord
  | ParameterRecord
  | LabelRecord
  | ArtifactRecord
  | LostRecord
  | FinishRecord
  | UnknownRecord;
