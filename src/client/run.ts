import { ValidationError } from "../errors.ts";
import type { MetricModel, Tracked } from "../model/metrics.ts";
import { mainTask } from "../model/observation.ts";
import type { Series } from "../read/series.ts";
import type { LocalStore } from "../stores/store.ts";
import type { RunCore } from "./core.ts";
import { liveRun } from "./live.ts";
import { checkLabels, storedParameters } from "./options.ts";
import type { RunReport } from "./report.ts";
import { runTask, type TaskArguments, type TaskBody, type TaskOptions } from "./task.ts";
import { type TimedCalls, timed } from "./time.ts";
import type { TrackOptions } from "./tracker.ts";

/** Marks a run, also across two copies of the library. */
export const runBrand: unique symbol = Symbol.for("runlog.run") as never;

/** One execution that is being tracked. Made by `startRun`, `resumeRun` and `trackRun`. */
export class Run<M extends MetricModel | undefined = MetricModel | undefined> {
  readonly #core: RunCore;
  readonly #timed: TimedCalls = new Map();

  constructor(core: RunCore) {
    this.#core = core;
    Object.defineProperty(this, runBrand, { value: true });
    Object.defineProperty(this, Symbol.for("nodejs.util.inspect.custom"), {
      value: () => describe(core.report()),
    });
  }

  /** What is behind a run; for this package's own programs. */
  static core(run: Run): RunCore {
    return run.#core;
  }

  /** Its id; changes only when the store turns out to have that id already, before anything is written. */
  get id(): string {
    return this.#core.opening.run;
  }

  /** 32 hex digits: what another host needs, besides the id, to join (`resumeRun({ runId, uid })`). */
  get uid(): string {
    return this.#core.uid;
  }

  /** The store it is written to, once open. */
  get store(): Promise<LocalStore> {
    return this.#core.opening.opened.then((opened) => opened.store);
  }

  /**
   * Tracks values in the task `main`. Synchronous; touches neither disk nor network. Numbers are metrics, anything
   * else is copied as JSON; `undefined` means "not measured".
   * @throws {ValidationError} for a bad key, value or step; nothing of the call is stored then.
   */
  track(values: Tracked<M>, options?: TrackOptions): void {
    this.#core.tracker.track(mainTask, 1, values as Readonly<Record<string, unknown>>, options);
  }

  /**
   * Runs `body` as a task, a named part of the run log with its own metrics, start, end and status. What `body` throws
   * is rethrown; what it tracked stays.
   * @param options.retries how often `body` is called again after it threw; each call is an attempt with its own times,
   *   status and observations, and the run log shows the last good one. 0 by default
   */
  task<T>(name: string, body: TaskBody<T, M>): Promise<T>;
  task<T>(name: string, options: TaskOptions, body: TaskBody<T, M>): Promise<T>;
  task<T>(name: string, ...rest: TaskArguments<T, M>): Promise<T> {
    return runTask(this.#core, [], 1, name, ...rest);
  }

  /**
   * Calls `fn` and tracks how long it took, in milliseconds, as the metric `<name>_ms` of the task `main`; of a promise,
   * until it is settled. Also when `fn` throws, which goes on to the caller.
   *
   *     const results = await run.time("infer", () => session.run(feeds));      // infer_ms
   *
   * @param options.step by default the number of earlier `time` calls of that name on this object: 0, 1, 2, …
   * @returns what `fn` returns
   * @throws {ValidationError} for a name that cannot be a key, before `fn` is called; for a key outside the metric
   *   model, after
   */
  time<T>(name: string, fn: () => T, options: TrackOptions = {}): T {
    return timed(this.#core, this.#timed, name, fn, options);
  }

  /** Sets parameters after the start. A changed one is recorded as a change. */
  setParameters(parameters: Readonly<Record<string, unknown>>): void {
    for (const [name, stored] of Object.entries(storedParameters(parameters))) {
      this.#core.record({ type: "parameter", name, ...stored, time: Date.now() });
    }
  }

  /** Sets labels; an empty text removes one. */
  setLabels(labels: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(checkLabels(labels))) {
      this.#core.record({ type: "label", name, value, time: Date.now() });
    }
  }

  /**
   * Everything tracked so far is durable here when it resolves: `"disk"`, or `"memory"` where storage refuses.
   * @throws {RunlogError} `storage_full` when something is held nowhere.
   */
  flush(): Promise<"disk" | "memory"> {
    return this.#core.writer.flush();
  }

  /**
   * Makes everything durable and delivers it. Resolves with the report, also when a destination is down.
   * @param options.timeout milliseconds, 30,000 by default
   */
  async sync(options: { readonly timeout?: number } = {}): Promise<RunReport> {
    await this.#core.flushQuietly();
    await this.#core.deliveries.drain(options.timeout ?? 30_000);
    return this.report();
  }

  /**
   * Ends the run: SUCCESS, or FAIL if a task's last attempt failed. Waits for delivery.
   * @param options.timeout milliseconds to wait for delivery, 10,000 by default
   */
  finish(status?: "SUCCESS" | "FAIL", options: { readonly timeout?: number } = {}): Promise<RunReport> {
    if (status !== undefined && status !== "SUCCESS" && status !== "FAIL") {
      throw new ValidationError("status", `must be "SUCCESS" or "FAIL", found ${JSON.stringify(status)}`);
    }
    return this.#core.finish(status, undefined, options.timeout ?? 10_000);
  }

  /** Ends the run as FAIL and says why, as `trackRun` does for what its body throws. */
  fail(message: string): Promise<RunReport> {
    return this.#core.finish("FAIL", { message }, 10_000);
  }

  /** How it stands: what is tracked, kept, delivered, and what a person should do. */
  report(): RunReport {
    return this.#core.report();
  }

  /**
   * The series of `key` so far, again and again as it grows, at most every 100 ms; ends with the run. A slow reader
   * skips frames, never points.
   */
  live(key: string, options: { readonly task?: string } = {}): AsyncGenerator<Series, void, void> {
    return liveRun(this.#core, key, options.task);
  }

  /** Ends it as FAIL if it was not finished. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#core.finished) await this.finish("FAIL");
  }
}

/** True for a run, of this or another copy of the library. */
export function isRun(value: unknown): value is Run {
  return typeof value === "object" && value !== null && runBrand in value;
}

function describe({ run, status, tracked, storage, location }: RunReport): string {
  return `Run { ${run}: ${status}, ${tracked} tracked, ${storage}, ${location} }`;
}
