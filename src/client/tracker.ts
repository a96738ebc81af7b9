import { ValidationError } from "../errors.ts";
import type { MetricModel } from "../model/metrics.ts";
import { checkKey, checkStep, type KeyClock, nextTime } from "../model/observation.ts";
import { type EncodedValue, encodeValue, ValueRule } from "../model/value.ts";
import type { Recorder, Slot } from "./recorder.ts";

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

/** What is remembered of a key between calls. */
interface KeyState {
  readonly key: string;
  readonly slot: Slot;
  clock: KeyClock | undefined;
  unstepped: boolean;
}

interface TaskState {
  readonly keys: Map<string, KeyState>;
  lastStep: number | undefined;
}

/** What is stored of a checked value: the number itself, or its JSON. */
type Checked = number | EncodedValue;

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

  const keyOf = (state: TaskState, key: string): KeyState => {
    let known = state.keys.get(key);
    if (known === undefined) {
      checkKey(key);
      known = { key, slot: { block: undefined, index: 0 }, clock: undefined, unstepped: false };
      state.keys.set(key, known);
    }
    return known;
  };

  const check = (key: string, raw: unknown): Checked | undefined => {
    const value = model === undefined ? raw : model.check(key, raw);
    if (typeof value === "number") return value;
    return value === undefined ? undefined : encode(key, value);
  };

  const setAside = (error: unknown): void => {
    if (parts.onInvalid === "throw" || !(error instanceof ValidationError)) throw error;
    invalid += 1;
    lastInvalid = error.message;
  };

  const warnUnstepped = (state: KeyState): void => {
    if (state.unstepped && !warned) {
      warned = true;
      parts.warn(
        `'${state.key}' was tracked twice without a step: both are at step 0. Pass { step } or { step: "next" }.`,
      );
    }
    state.unstepped = true;
  };

  const keep = (
    known: KeyState,
    task: string,
    attempt: number,
    value: Checked,
    step: number,
    now: number,
  ): void => {
    const time = nextTime(known.clock, step, now);
    if (known.clock === undefined) known.clock = { step, time };
    else {
      known.clock.step = step;
      known.clock.time = time;
    }
    if (typeof value === "number") recorder.metric(known.slot, task, attempt, known.key, step, time, value);
    else recorder.value(task, attempt, known.key, step, time, value);
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
      const keys: KeyState[] = [];
      const checked: Checked[] = [];
      for (const key of Object.keys(values)) {
        const raw = read(values, key);
        if (raw === undefined) continue;
        try {
          const known = keyOf(state, key);
          const value = check(key, raw);
          if (value === undefined) continue;
          keys.push(known);
          checked.push(value);
        } catch (error) {
          setAside(error);
        }
      }
      if (keys.length === 0 || !parts.admits(keys.length)) return;
      const now = parts.now();
      for (let index = 0; index < keys.length; index++) {
        const known = keys[index] as KeyState;
        const value = checked[index] as Checked;
        keep(known, task, attempt, value, step, now);
        if (options?.step === undefined && typeof value === "number") warnUnstepped(known);
      }
      state.lastStep = state.lastStep === undefined ? step : Math.max(state.lastStep, step);
      tracked += keys.length;
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
