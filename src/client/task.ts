import { messageOf, ValidationError } from "../errors.ts";
import type { MetricModel, Tracked } from "../model/metrics.ts";
import { checkTask, mainTask } from "../model/observation.ts";
import type { Status } from "../model/records.ts";
import { nameOfPath } from "../model/task-path.ts";
import type { RunCore } from "./core.ts";
import type { TrackOptions } from "./tracker.ts";

/** Tasks while they run: their attempts, and the branches that a task may hold. */

export interface TaskOptions {
  /** How often the body is called again after it threw. @default 0 */
  readonly retries?: number;
}

export interface MapOptions<I> {
  /** The name of an item's branch. @default the item where it is a text or number, else its index */
  readonly name?: (item: I, index: number) => string;
  /** How many branches run at once. @default all */
  readonly concurrency?: number;
}

export type TaskBody<T, M extends MetricModel | undefined> = (task: Task<M>) => T | Promise<T>;
export type BranchBody<T, M extends MetricModel | undefined> = (branch: Branch<M>) => T | Promise<T>;
export type TaskArguments<T, M extends MetricModel | undefined> =
  | [body: TaskBody<T, M>]
  | [options: TaskOptions, body: TaskBody<T, M>];

/** Where a task or branch stands while it runs. */
interface Place {
  readonly path: readonly string[];
  readonly attempt: number;
}

/** A task while it runs. */
export class Task<M extends MetricModel | undefined = MetricModel | undefined> {
  readonly name: string;
  /** Which call of the body this is, from 1. */
  readonly attempt: number;
  readonly #core: RunCore;
  readonly #place: Place;

  constructor(core: RunCore, place: Place) {
    this.name = place.path.at(-1) as string;
    this.attempt = place.attempt;
    this.#core = core;
    this.#place = place;
  }

  /** As `run.track`, in this task. */
  track(values: Tracked<M>, options?: TrackOptions): void {
    trackIn(this.#core, this.#place, values, options);
  }

  /**
   * Runs every body at once, each as a branch of that name with tasks of its own. Waits for all of them; then throws
   * what the first of those that failed threw.
   */
  async parallel<B extends Readonly<Record<string, BranchBody<unknown, M>>>>(
    branches: B,
  ): Promise<{ [Name in keyof B]: Awaited<ReturnType<B[Name]>> }> {
    const all = Object.entries(branches);
    const results = await this.#hold("parallel", all, all.length);
    return Object.fromEntries(all.map(([name], index) => [name, results[index]])) as never;
  }

  /** Calls `body` for every item, each in a branch of its own, as `parallel` does. */
  async map<I, T>(
    items: Iterable<I>,
    body: (item: I, branch: Branch<M>) => T | Promise<T>,
    { name = nameOfItem, concurrency = Number.POSITIVE_INFINITY }: MapOptions<I> = {},
  ): Promise<T[]> {
    const branches = Array.from(items, (item, index): [string, BranchBody<T, M>] => [
      name(item, index),
      (branch) => body(item, branch),
    ]);
    return (await this.#hold("map", branches, concurrency)) as T[];
  }

  async #hold(
    kind: "parallel" | "map",
    branches: readonly [name: string, body: BranchBody<unknown, M>][],
    concurrency: number,
  ): Promise<unknown[]> {
    checkBranches(branches.map(([name]) => name));
    if (!(concurrency >= 1))
      throw new ValidationError("concurrency", `must be at least 1, found ${String(concurrency)}`);
    const { path, attempt } = this.#place;
    this.#core.taskRecord(path, attempt, "PROCESSING", { kind });
    const results: unknown[] = [];
    const failed: { at: number; error: unknown }[] = [];
    const waiting = branches.entries();
    const lane = async (): Promise<void> => {
      for (const [at, [name, body]] of waiting) {
        try {
          results[at] = await Branch.run(this.#core, { path: [...path, name], attempt }, body);
        } catch (error) {
          failed.push({ at, error });
        }
      }
    };
    const lanes = Math.max(1, Math.min(concurrency, branches.length));
    await Promise.all(Array.from({ length: lanes }, lane));
    const [first] = failed.sort((one, other) => one.at - other.at);
    if (first !== undefined) throw first.error;
    return results;
  }
}

/** A branch of a task while it runs: holds tasks, as a run does. */
export class Branch<M extends MetricModel | undefined = MetricModel | undefined> {
  readonly name: string;
  readonly #core: RunCore;
  readonly #place: Place;
  /** The task of what is tracked in no other; begins with the first of it. */
  readonly #main: Place;
  #begun = false;

  private constructor(core: RunCore, place: Place) {
    this.name = place.path.at(-1) as string;
    this.#core = core;
    this.#place = place;
    this.#main = { ...place, path: [...place.path, mainTask] };
  }

  /** Runs `body` as a branch. */
  static async run<T, M extends MetricModel | undefined>(
    core: RunCore,
    place: Place,
    body: BranchBody<T, M>,
  ): Promise<T> {
    const branch = new Branch<M>(core, place);
    const noting = (status: Status, message?: string): void => {
      if (branch.#begun) note(core, branch.#main, status, message);
      note(core, place, status, message);
    };
    return await between(core, noting, () => body(branch));
  }

  /** As `run.track`, in the task `main` of this branch. */
  track(values: Tracked<M>, options?: TrackOptions): void {
    if (!this.#begun) note(this.#core, this.#main, "PROCESSING");
    this.#begun = true;
    trackIn(this.#core, this.#main, values, options);
  }

  /** As `run.task`, in this branch. */
  task<T>(name: string, body: TaskBody<T, M>): Promise<T>;
  task<T>(name: string, options: TaskOptions, body: TaskBody<T, M>): Promise<T>;
  task<T>(name: string, ...rest: TaskArguments<T, M>): Promise<T> {
    return runTask(this.#core, this.#place.path, this.#place.attempt, name, ...rest);
  }
}

/**
 * Runs `body` as a task within a run or branch, again after it threw while there are retries.
 * @param outer the attempt of the task around it, whose attempts hold apart those of the tasks inside
 */
export async function runTask<T, M extends MetricModel | undefined>(
  core: RunCore,
  within: readonly string[],
  outer: number,
  name: string,
  ...rest: TaskArguments<T, M>
): Promise<T> {
  checkTask(name);
  const [{ retries = 0 }, body] = rest.length === 1 ? [{} as TaskOptions, rest[0]] : rest;
  checkRetries(retries);
  const path = [...within, name];
  const first = (outer - 1) * (retries + 1) + 1;
  for (let attempt = first; ; attempt++) {
    try {
      return await runAttempt(core, { path, attempt }, body);
    } catch (error) {
      if (attempt >= first + retries) throw error;
    }
  }
}

async function runAttempt<T, M extends MetricModel | undefined>(
  core: RunCore,
  place: Place,
  body: TaskBody<T, M>,
): Promise<T> {
  const noting = (status: Status, message?: string): void => {
    if (status !== "PROCESSING") core.trackEnvironment(nameOfPath(place.path), place.attempt);
    note(core, place, status, message);
  };
  return await between(core, noting, () => body(new Task(core, place)));
}

/** Notes the start and the end around `body`; what was tracked so far is durable soon after. */
async function between<T>(
  core: RunCore,
  noting: (status: Status, message?: string) => void,
  body: () => T | Promise<T>,
): Promise<T> {
  noting("PROCESSING");
  try {
    const result = await body();
    noting("SUCCESS");
    return result;
  } catch (error) {
    noting("FAIL", messageOf(error));
    throw error;
  } finally {
    void core.writer.flush().catch(core.ignoreFullStorage);
  }
}

function note(core: RunCore, { path, attempt }: Place, status: Status, message?: string): void {
  core.taskRecord(path, attempt, status, { message });
}

function trackIn(core: RunCore, { path, attempt }: Place, values: object, options?: TrackOptions): void {
  core.tracker.track(nameOfPath(path), attempt, values as Readonly<Record<string, unknown>>, options);
}

function checkRetries(retries: number): void {
  if (Number.isSafeInteger(retries) && retries >= 0) return;
  throw new ValidationError(
    "retries",
    `must be 0 or a whole number of further tries, found ${String(retries)}`,
  );
}

function checkBranches(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    checkTask(name);
    if (seen.has(name))
      throw new ValidationError(name, "names two branches; give each its own by the option `name`");
    seen.add(name);
  }
}

function nameOfItem(item: unknown, index: number): string {
  return typeof item === "string" || typeof item === "number" ? String(item) : String(index);
}
