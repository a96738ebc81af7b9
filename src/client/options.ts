import { ValidationError } from "../errors.ts";
import type { CodeIdentity } from "../model/code-identity.ts";
import { parseJson } from "../model/json.ts";
import type { MetricModel } from "../model/metrics.ts";
import { nameRule } from "../model/observation.ts";
import type { StoredValue } from "../model/records.ts";
import type { LocalStore } from "../stores/store.ts";
import type { Destination } from "../sync/destination.ts";
import type { LetGoOptions } from "./letting-go.ts";
import { encode } from "./tracker.ts";

/** What `startRun` and `trackRun` take; everything is optional. */
export interface RunOptions<M extends MetricModel | undefined = MetricModel | undefined> {
  /** Groups runs; the experiment in MLflow. */
  readonly tag?: string | undefined;
  /** 1 to 128 letters, digits, dots, dashes, underscores. @default a made one: `adjective-surname-HHMM-xxxxxxxx` */
  readonly runId?: string | undefined;
  /** The run's inputs: any value that can be tracked. In Node `MAGNUS_PRM_<name>` of the environment as well. */
  readonly parameters?: Readonly<Record<string, unknown>> | undefined;
  /** Texts that help to find the run again. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /**
   * Which code runs.
   * @default in Node the git commit of the working directory; in pages what the bundler said (`runlog/vite`)
   */
  readonly code?: CodeIdentity | undefined;
  /** Keys and values that may be tracked, from `defineMetrics`. @default anything */
  readonly metrics?: M;
  /** A store, or the name of one: a database in pages, a folder in Node. @default IndexedDB, the folder `.run_log_store` */
  readonly store?: LocalStore | string | undefined;
  /**
   * Where the run goes. `[]` is nowhere.
   * @default in Node what `MLFLOW_TRACKING_URI` and `RUNLOG_SERVER` name; elsewhere nowhere
   */
  readonly syncTo?: readonly Destination[] | undefined;
  /** Whose run it is, where several people share a browser or a folder. */
  readonly owner?: string | undefined;
  /** `"off"`: every method works and nothing is stored. @default "on", or RUNLOG_MODE in Node */
  readonly mode?: "on" | "off" | undefined;
  /** What `track` does with a bad key or value: throw, or count it in the report. @default "throw" */
  readonly onInvalid?: "throw" | "report" | undefined;
  /** Prints nothing. @default false */
  readonly quiet?: boolean | undefined;
}

/** What `resumeRun` takes: `key`, or `runId` (with `uid` for a run of another host). */
export interface ResumeOptions<M extends MetricModel | undefined = MetricModel | undefined>
  extends RunOptions<M>,
    LetGoOptions {
  /** Names a place in a notebook or page: continues the latest run of that key if it is unfinished. */
  readonly key?: string | undefined;
  /** With `runId`: joins the run of another host, whose `run.uid` this is. */
  readonly uid?: string | undefined;
  /**
   * What to do when `parameters` differ from the run's: begin a new run, record the change, or throw. With `runId` only
   * "keep" and "error" make sense. @default "new", with `runId` "keep"
   */
  readonly onParameterChange?: "new" | "keep" | "error" | undefined;
  /** Takes back every observation so far with this step or a later one. @default nothing is taken back */
  readonly rewindTo?: number | undefined;
}

/** Resume options, checked. @throws {ValidationError} */
export function checkResume(options: ResumeOptions): void {
  const { key, runId, uid, onParameterChange, rewindTo } = options;
  if (key !== undefined) checkName(key, "a run's key");
  if (key !== undefined && runId !== undefined)
    throw new ValidationError("key", "and runId exclude each other; pass one");
  if (uid !== undefined && !/^[0-9a-f]{32}$/.test(uid)) {
    throw new ValidationError("uid", "must be the 32 hex digits of the other host's run.uid");
  }
  if (onParameterChange !== undefined && !["new", "keep", "error"].includes(onParameterChange)) {
    throw new ValidationError("onParameterChange", 'must be "new", "keep" or "error"');
  }
  if (onParameterChange === "new" && runId !== undefined) {
    throw new ValidationError(
      "onParameterChange",
      'cannot be "new" with runId, which names one run; use key',
    );
  }
  if (rewindTo !== undefined && !Number.isSafeInteger(rewindTo)) {
    throw new ValidationError("rewindTo", `must be a step, an integer; found ${String(rewindTo)}`);
  }
}

/** Parameters as stored. @throws {ValidationError} naming the parameter that cannot be kept. */
export function storedParameters(parameters: Readonly<Record<string, unknown>>): Record<string, StoredValue> {
  const stored: Record<string, StoredValue> = Object.create(null);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) stored[checkName(name, "a parameter")] = storedValue(name, value);
  }
  return stored;
}

/** One value as stored in a parameter. */
export function storedValue(name: string, value: unknown): StoredValue {
  const { json, meta } = encode(name, value);
  return { json: parseJson(json), ...(meta !== undefined && { meta: parseJson(meta) }) };
}

/** Labels, checked. @throws {ValidationError} for a value that is no text. */
export function checkLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(labels)) {
    checkName(name, "a label");
    if (typeof value !== "string")
      throw new ValidationError(name, `must be a string (a label), found ${typeof value}`);
  }
  return labels;
}

/** A tag, checked. */
export function checkTag(tag: string | undefined): string | undefined {
  return tag === undefined ? undefined : checkName(tag, "a tag");
}

function checkName(name: string, what: string): string {
  const rule = nameRule(name);
  if (rule !== undefined) throw new ValidationError(String(name), `${rule} (${what})`);
  return name;
}
