/** What both entries export besides the functions that a platform binds. */
export type { DestinationReport } from "./client/deliveries.ts";
export type { OpenedStore } from "./client/open-store.ts";
export type { ResumeOptions, RunOptions } from "./client/options.ts";
export type { RunReport } from "./client/report.ts";
export { isRun, type Run } from "./client/run.ts";
export type { Branch, MapOptions, Task, TaskOptions } from "./client/task.ts";
export type { TrackOptions } from "./client/tracker.ts";
export {
  type ErrorCode,
  isRunlogError,
  RunlogError,
  SegmentConflict,
  SegmentGap,
  ValidationError,
} from "./errors.ts";
export type { CodeIdentity } from "./model/code-identity.ts";
export {
  defineMetrics,
  type Metric,
  type MetricModel,
  type MetricOptions,
  metric,
  type Tracked,
} from "./model/metrics.ts";
export type { Position, Status } from "./model/records.ts";
export type { Segment } from "./model/segment-line.ts";
export type { RunQuery } from "./read/query.ts";
export type { RunLog } from "./read/run-log.ts";
export type { Row, RowFilter, Series } from "./read/series.ts";
export type { MetricSummary, RunSummary } from "./read/summary.ts";
export { memoryStore } from "./stores/memory.ts";
export { runLogStore } from "./stores/remote.ts";
export type { LocalStore, Store } from "./stores/store.ts";
export type { Credentials, Destination, Problem, Secret } from "./sync/destination.ts";
