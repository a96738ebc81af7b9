import type { ArtifactRecord, Status, StoredValue } from "../model/records.ts";
import { type Sampled, sampledFrom, sampleSize, shownMetric } from "./run-log-metrics.ts";
import { durationText, Entries, jsonChunks, pieceSize, plain, timeText } from "./run-log-text.ts";
import type { AttemptState, RunState, TaskState } from "./state.ts";

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
  readonly step_type: "task" | "success" | "fail";
  readonly message: string;
  readonly mock: boolean;
  readonly code_identities: readonly unknown[];
  readonly attempts: readonly StepAttempt[];
  /** key -> its value, or an object by step. NaN and ±Infinity are strings. */
  readonly user_defined_metrics: Readonly<Record<string, unknown>>;
  readonly branches: Readonly<Record<string, never>>;
  readonly data_catalog: readonly DataCatalog[];
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
  const steps = [...state.tasks.values()].map((task) => taskStep(state, task, full, sampled));
  const closing = closingStep(state);
  const all: readonly (readonly [string, unknown])[] = closing === undefined ? steps : [...steps, closing];
  return {
    run_id: state.run,
    dag_hash: "",
    use_cached: false,
    tag: state.tag ?? "",
    original_run_id: "",
    status: state.status,
    steps: new Entries(() => all.values()),
    parameters: ordered(state.parameters),
    run_config: { runlog: extras(state, sampled) },
  };
}

function taskStep(
  state: RunState,
  task: TaskState,
  full: boolean,
  sampled: Sampled[],
): readonly [string, unknown] {
  const metrics: (readonly [string, unknown])[] = [];
  for (const [key, column] of task.columns) {
    const shown = shownMetric(column, task.shown, full);
    if (shown === undefined) continue;
    metrics.push([key, shown.json]);
    const { sampled: part } = shown;
    if (part !== undefined) sampled.push({ task: task.name, key, steps: part[0], kept: part[1] });
  }
  const catalog = state.artifacts.filter((artifact) => artifact.task === task.name);
  const step = {
    ...stepHead(task.name, task.status, "task", state.code),
    attempts: task.attempts.map((attempt) => attemptLog(state, attempt)),
    user_defined_metrics: new Entries(() => metrics.values()),
    branches: {},
    data_catalog: catalog.map((artifact) => catalogLog(state.run, artifact)),
  };
  return [task.name, step];
}

/** magnus ends every graph in a step of this kind, which itself always succeeds. */
function closingStep(state: RunState): readonly [string, unknown] | undefined {
  if (state.status !== "SUCCESS" && state.status !== "FAIL") return undefined;
  const kind = state.status === "SUCCESS" ? "success" : "fail";
  let name: string = kind;
  while (state.tasks.has(name)) name += "_";
  const at = state.ended;
  const attempt = { number: 1, status: "SUCCESS", start: at, end: at, message: "" } as const;
  const step = {
    ...stepHead(name, "SUCCESS", kind, state.code),
    attempts: [attemptLog(state, attempt)],
    user_defined_metrics: {},
    branches: {},
    data_catalog: [],
  };
  return [name, step];
}

function stepHead(
  name: string,
  status: Status,
  type: StepLog["step_type"],
  code: readonly unknown[],
): object {
  const [step_type, message, mock] = [type, "", false];
  return {
    name,
    internal_name: name,
    status,
    step_type,
    message,
    mock,
    code_identities: code.map(codeIdentity),
  };
}

/** The fields of magnus in its order and with its defaults, then whatever else was said, which magnus keeps. */
function codeIdentity(code: unknown): unknown {
  return {
    code_identifier: "",
    code_identifier_type: "",
    code_identifier_dependable: false,
    code_identifier_url: "",
    code_identifier_message: "",
    ...(typeof code === "object" ? code : { code_identifier: String(code) }),
  };
}

function attemptLog(state: RunState, attempt: AttemptState): StepAttempt {
  const { number, status, start, end, message } = attempt;
  return {
    attempt_number: number,
    start_time: timeText(start),
    end_time: timeText(end),
    duration: durationText(start, end),
    status,
    message,
    parameters: parametersAt(state, start) as unknown as StepAttempt["parameters"],
  };
}

function parametersAt(state: RunState, time: number | undefined): Entries {
  const parameters = new Map(state.parameters);
  for (const change of state.changes) {
    if (time !== undefined && change.time <= time) parameters.set(change.name, change.stored);
  }
  return ordered(parameters);
}

function ordered(parameters: ReadonlyMap<string, StoredValue>): Entries {
  return new Entries(function* () {
    for (const [name, stored] of parameters) yield [name, stored.json ?? null];
  });
}

function catalogLog(run: string, { name, sha256, stage }: ArtifactRecord): DataCatalog {
  return {
    name,
    data_hash: sha256,
    catalog_relative_path: stage === "put" ? `${run}/${name}` : name,
    catalog_handler_location: ".catalog",
    stage,
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
