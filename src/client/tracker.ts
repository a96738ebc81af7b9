import { ValidationError } from "../errors.ts";
import type { MetricModel } from "../model/metrics.ts";
import { checkKey, checkStep, type KeyClock, nextTime } from "../model/observation.ts";
import { type EncodedValue, encodeValue, ValueRule } from "../model/value.ts";
import type { Recorder } from "./recorder.ts";

/**
 * The call that a training loop makes: checks everything, then records everything, so that a bad value among good
 * ones stores nothing. Synchronous; what is not a number is copied as JSON here.
 */

export interface TrackOptions {
  /** A safe integer; `"next"` is one past the task's last step. @default 0 */
  readonly step?: number | "next";
}

export interface Tracker {
  /**
   * @param attempt the task's attempt, from 1
   * @throws {ValidationError} for a bad key, value or step; nothing is stored then.
   */
  track(
    task: string,
    attempt: number,
    values: Readonly<Record<string, unknown>>,
    options?: TrackOptions,
  ): void;
  /** Observations tracked so far. */
  readonly tracked: number;
  /** Bad values set aside by `onInvalid: "report"`. */
  readonly invalid: number;
  readonly lastInvalid: string | undefined;
}

export interface TrackerParts {
  readonly recorder: Recorder;
  readonly model: MetricModel | undefined;
  readonly onInvalid: "throw" | "report";
  /** task -> its last step before this writer, for `step: "next"`. */
  readonly lastSteps: ReadonlyMap<string, number>;
  readonly now: () => number;
  /** Whether there is room to keep observations; called with how many come. */
  readonly admits: (count: number) => boolean;
  /** After each call that recorded something. */
  readonly recorded: () => void;
  readonly warn: (message: string) => void;
}

interface KeyState {
  clock: KeyClock | undefined;
  unstepped: boolean;
}

interface TaskState {
  readonly keys: Map<string, KeyState>;
  lastStep: number | undefined;
}

/** A checked observation: a number, or a value already encoded. */
type Checked = readonly [key: string, value: number | EncodedValue];

export function createTracker(parts: TrackerParts): Tracker {
  const { recorder, model } = parts;
  const tasks = new Map<string, TaskState>();
  let tracked = 0;
  let invalid = 0;
  let lastInvalid: string | undefined;
  let warned = false;

  const stateOf = (task: string): TaskState => {
    let state = tasks.get(task);
    if (state === undefined) {
      state = { keys: new Map(), lastStep: parts.lastSteps.get(task) };
      tasks.set(task, state);
    }
    return state;
  };

  const check = (state: TaskState, key: string, raw: unknown): Checked | undefined => {
    try {
      if (!state.keys.has(key)) checkKey(key);
      const value = model === undefined ? raw : model.check(key, raw);
      if (typeof value === "number") return [key, value];
      return value === undefined ? undefined : [key, encode(key, value)];
    } catch (error) {
      if (parts.onInvalid === "throw" || !(error instanceof ValidationError)) throw error;
      invalid += 1;
      lastInvalid = error.message;
      return undefined;
    }
  };

  const warnUnstepped = (state: KeyState, key: string): void => {
    if (state.unstepped && !warned) {
      warned = true;
      parts.warn(
        `'${key}' was tracked twice without a step: both are at step 0. Pass { step } or { step: "next" }.`,
      );
    }
    state.unstepped = true;
  };

  const keep = (
    state: TaskState,
    task: string,
    attempt: number,
    item: Checked,
    step: number,
    now: number,
  ): KeyState => {
    const [key, value] = item;
    let known = state.keys.get(key);
    if (known === undefined) {
      known = { clock: undefined, unstepped: false };
      state.keys.set(key, known);
    }
    const time = nextTime(known.clock, step, now);
    if (known.clock === undefined) known.clock = { step, time };
    else {
      known.clock.step = step;
      known.clock.time = time;
    }
    if (typeof value === "number") recorder.metric(task, attempt, key, step, time, value);
    else recorder.value(task, attempt, key, step, time, value);
    return known;
  };

  return {
    track(task, attempt, values, options) {
      if (typeof values !== "object" || values === null) {
        throw new ValidationError(
          "values",
          `must be an object of keys and values, found ${values === null ? "null" : typeof values}`,
        );
      }
      const state = stateOf(task);
      const step = stepOf(options?.step, state);
      const items: Checked[] = [];
      for (const key of Object.keys(values)) {
        const raw = read(values, key);
        if (raw === undefined) continue;
        const item = check(state, key, raw);
        if (item !== undefined) items.push(item);
      }
      if (items.length === 0 || !parts.admits(items.length)) return;
      const now = parts.now();
      for (const item of items) {
        const known = keep(state, task, attempt, item, step, now);
        if (options?.step === undefined && typeof item[1] === "number") warnUnstepped(known, item[0]);
      }
      state.lastStep = state.lastStep === undefined ? step : Math.max(state.lastStep, step);
      tracked += items.length;
      parts.recorded();
    },
    get tracked() {
      return tracked;
    },
    get invalid() {
      return invalid;
    },
    get lastInvalid() {
      return lastInvalid;
    },
  };
}

function stepOf(step: number | "next" | undefined, state: TaskState): number {
  if (step === undefined) return 0;
  if (step === "next") return state.lastStep === undefined ? 0 : state.lastStep + 1;
  checkStep(step);
  return step;
}

function read(values: Readonly<Record<string, unknown>>, key: string): unknown {
  try {
    return values[key];
  } catch (cause) {
    throw new ValidationError(key, "has a getter that throws; pass a plain value", { cause });
  }
}

/** The JSON of a value, or a `ValidationError` that names its key. */
export function encode(key: string, value: unknown): EncodedValue {
  try {
    return encodeValue(value);
  } catch (error) {
    if (error instanceof ValueRule) throw new ValidationError(key, error.message, { cause: error.cause });
    throw error;
  }
}
