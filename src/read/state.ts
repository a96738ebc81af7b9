import type { ArtifactRecord, DestinationName, Status, StoredValue } from "../model/records.ts";
import type { Column } from "./columns.ts";
import type { Participant } from "./status.ts";

/** One try of a task: all calls and writers of one (task, attempt) together. */
export interface AttemptState {
  /** From 1. */
  readonly number: number;
  readonly status: Status;
  /** Milliseconds since 1970, with microseconds where they were measured: the earliest start; the run's for `main`. */
  readonly start: number | undefined;
  /** The latest end; undefined while it runs. */
  readonly end: number | undefined;
  /** The error's message when it failed, else empty. */
  readonly message: string;
  /** The parameters in force at its start, where they were said with it. */
  readonly parameters: Readonly<Record<string, StoredValue>> | undefined;
}

/** A task, or a branch of one: a branch has a path of even length, and holds no observations. */
export interface TaskState {
  /** What its observations point to. */
  readonly name: string;
  /** The names from the outermost task on, tasks and branches in turn. */
  readonly path: readonly string[];
  /** `task`; `parallel` or `map` where it holds branches; other programs have more. */
  readonly kind: string;
  /** True when it was not run, because an earlier run's result was taken. */
  readonly mock: boolean;
  /** Its code where that is not the run's. */
  readonly code: readonly unknown[] | undefined;
  /** The status of its last attempt. */
  readonly status: Status;
  /** By number; none where only a status was said. */
  readonly attempts: readonly AttemptState[];
  /** The attempt whose observations the run log shows: the last good one, the last one if none is good. */
  readonly shown: number;
  /** key -> its observations of every attempt. */
  readonly columns: ReadonlyMap<string, Column>;
}

/** A later, different value of a parameter. */
export interface ParameterChange {
  readonly name: string;
  readonly stored: StoredValue;
  readonly time: number;
}

/** A gap that is known. */
export interface Loss {
  readonly writer: string;
  readonly seq: number;
  readonly reason: string;
  /** Observations, as far as known. */
  readonly count: number;
}

/** The fold of a run's segments: everything that reading needs, the same for the same set of segments. */
export interface RunState {
  readonly run: string;
  readonly uid: string;
  readonly tag: string | undefined;
  readonly key: string | undefined;
  readonly owner: string | undefined;
  /** The store of the first writer; empty when its first segment is lost. */
  readonly store: string;
  /** True when only writers are known that joined a run of another host. */
  readonly joined: boolean;
  readonly status: Status;
  /** The signal that ended it, if one did. */
  readonly signal: string | undefined;
  /** Why it failed, else empty. */
  readonly message: string;
  /** Milliseconds since 1970, as every time here. */
  readonly started: number;
  /** The last finish that counts; undefined while PROCESSING. */
  readonly ended: number | undefined;
  /** The latest time in any record. */
  readonly updated: number;
  /** name -> the first value said, as stored. */
  readonly parameters: ReadonlyMap<string, StoredValue>;
  readonly changes: readonly ParameterChange[];
  /** name -> text; the last one said. */
  readonly labels: ReadonlyMap<string, string>;
  readonly code: readonly unknown[];
  readonly host: unknown;
  /** What another program's run log says of the run and has no place here. */
  readonly log: Readonly<Record<string, unknown>>;
  /** The metric model as JSON Schema, the first one said. */
  readonly model: unknown;
  readonly destinations: readonly DestinationName[];
  /** In the order of their first segments. */
  readonly writers: readonly string[];
  /** The writers with their stores, and whether they are open. */
  readonly participants: readonly Participant[];
  /** Whether one of its own writers finished it; a close of the dead is no finish. */
  readonly finished: boolean;
  /** The highest clock of any segment. */
  readonly clock: number;
  readonly tasks: ReadonlyMap<string, TaskState>;
  readonly artifacts: readonly ArtifactRecord[];
  readonly lost: readonly Loss[];
  /** Records of types that this version does not know. */
  readonly unknown: number;
  /** Observations that stand. */
  readonly observations: number;
  /** Observations that a `rewindTo` took back. */
  readonly superseded: number;
}
