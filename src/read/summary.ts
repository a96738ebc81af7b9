import { mainTask } from "../model/observation.ts";
import type { DestinationName, Status } from "../model/records.ts";
import { type Column, decodeStored } from "./columns.ts";
import type { RunState } from "./state.ts";

/** One metric of a run in short. Only finite numbers count for min, max and best; without one min and max are NaN. */
export interface MetricSummary {
  readonly last: number;
  readonly lastStep: number;
  readonly min: number;
  readonly max: number;
  /** By the model's goal; absent without one. */
  readonly best?: number;
  readonly bestStep?: number;
  readonly count: number;
}

/** A run without its series: what lists show and queries ask. */
export interface RunSummary {
  readonly run: string;
  readonly uid: string;
  readonly tag: string | undefined;
  readonly key: string | undefined;
  readonly status: Status;
  readonly signal: string | undefined;
  /** Milliseconds since 1970. */
  readonly started: number;
  readonly ended: number | undefined;
  /** The time of the last record. */
  readonly updated: number;
  /** Decoded values. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly labels: Readonly<Record<string, string>>;
  /** `key` for the task main, `task/key` otherwise. */
  readonly metrics: Readonly<Record<string, MetricSummary>>;
  readonly observations: number;
  readonly writers: readonly string[];
  readonly destinations: readonly DestinationName[];
  /** The store of the run's first writer. */
  readonly store: string;
  /** True when that writer joined a run that began on another host. */
  readonly joined: boolean;
  /** True once its observations were released to make room in this store, after they were delivered. */
  readonly released?: boolean;
}

/** The run without its series. */
export function summarize(state: RunState): RunSummary {
  return {
    run: state.run,
    uid: state.uid,
    tag: state.tag,
    key: state.key,
    status: state.status,
    signal: state.signal,
    started: state.started,
    ended: state.ended,
    updated: state.updated,
    parameters: fromMap(state.parameters, decodeStored),
    labels: Object.fromEntries(state.labels),
    metrics: metricsOf(state),
    observations: state.observations,
    writers: state.writers,
    destinations: state.destinations,
    store: state.store,
    joined: state.joined,
  };
}

function fromMap<T, U>(map: ReadonlyMap<string, T>, turn: (item: T) => U): Record<string, U> {
  return Object.fromEntries(Array.from(map, ([name, item]) => [name, turn(item)]));
}

function metricsOf(state: RunState): Record<string, MetricSummary> {
  const metrics: [string, MetricSummary][] = [];
  for (const { name: task, columns } of state.tasks.values()) {
    for (const [key, column] of columns) {
      const metric = metricOf(column, goalOf(state.model, key));
      if (metric !== undefined) metrics.push([task === mainTask ? key : `${task}/${key}`, metric]);
    }
  }
  return Object.fromEntries(metrics);
}

function metricOf({ step, value }: Column, goal: "min" | "max" | undefined): MetricSummary | undefined {
  let count = 0;
  let last = -1;
  let least = -1;
  let most = -1;
  value.forEach((item, row) => {
    if (typeof item !== "number") return;
    count += 1;
    last = row;
    if (!Number.isFinite(item)) return;
    if (least < 0 || item < (value[least] as number)) least = row;
    if (most < 0 || item > (value[most] as number)) most = row;
  });
  if (count === 0) return undefined;
  const at = (row: number): number => (row < 0 ? Number.NaN : (value[row] as number));
  const best = goal === "min" ? least : goal === "max" ? most : -1;
  return {
    last: at(last),
    lastStep: step[last] as number,
    min: at(least),
    max: at(most),
    ...(best >= 0 && { best: at(best), bestStep: step[best] as number }),
    count,
  };
}

/** The `x-goal` of a metric in the model's JSON Schema. */
export function goalOf(model: unknown, key: string): "min" | "max" | undefined {
  const properties = fieldOf(model, "properties");
  const goal = fieldOf(fieldOf(properties, key), "x-goal");
  return goal === "min" || goal === "max" ? goal : undefined;
}

function fieldOf(object: unknown, name: string): unknown {
  if (typeof object !== "object" || object === null || !Object.hasOwn(object, name)) return undefined;
  return (object as Record<string, unknown>)[name];
}
