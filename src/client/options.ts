import { ValidationError } from "../errors.ts";
import type { MetricModel } from "../model/metrics.ts";
import { nameRule } from "../model/observation.ts";
import type { StoredValue } from "../model/records.ts";
import type { LocalStore } from "../stores/store.ts";
import type { Destination } from "../sync/destination.ts";
import { encode } from "./tracker.ts";

/** What `startRun` and `trackRun` take; everything is optional. */
export interface RunOptions<M extends MetricModel | undefined = MetricModel | undefined> {
  /** Groups runs; the experiment in MLflow. */
  readonly tag?: string | undefined;
  /** 1 to 128 letters, digits, dots, dashes, underscores. @default a made one: `adjective-surname-HHMM-xxxxxxxx` */
  readonly runId?: string | undefined;
  /** The run's inputs: any value that can be tracked. */
  readonly parameters?: Readonly<Record<string, unknown>> | undefined;
  /** Texts that help to find the run again. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
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

/** What `resumeRun` takes. */
export interface ResumeOptions<M extends MetricModel | undefined = MetricModel | undefined> extends RunOptions<M> {
  /** With `runId`: joins the run of another host, whose report names its uid. */
  readonly uid?: string | undefined;
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
  return { json: JSON.parse(json), ...(meta !== undefined && { meta: JSON.parse(meta) }) };
}

/** Labels, checked. @throws {ValidationError} for a value that is no text. */
export function checkLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(labels)) {
    checkName(name, "a label");
    if (typeof value !== "string") throw new ValidationError(name, `must be a string (a label), found ${typeof value}`);
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
