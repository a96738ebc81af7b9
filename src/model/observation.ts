import { ValidationError } from "../errors.ts";

/** The rules of an observation: one tracked value with its task, key, step and time. A number is a metric, anything else a value. */

/** The task of observations made outside any `run.task()`. */
export const mainTask = "main";

const control = /[\u0000-\u001f\u007f-\u009f]/;
const loneSurrogate = /\p{Surrogate}/u;

/** The rule that `name` breaks as a key or task, or undefined. */
export function nameRule(name: unknown): string | undefined {
  if (typeof name !== "string") return `must be a string, found ${typeof name}`;
  if (name.length === 0) return "must not be empty";
  if (name.length > 200) return `must have at most 200 characters, found ${name.length}`;
  if (control.test(name)) return "must not hold control characters";
  if (loneSurrogate.test(name)) return "must not hold half of a surrogate pair";
  return undefined;
}

/** @throws {ValidationError} when `key` cannot name an observation. */
export function checkKey(key: unknown): void {
  const rule = nameRule(key);
  if (rule !== undefined) throw new ValidationError(typeof key === "string" ? key : "key", `${rule} (a key)`);
}

/** @throws {ValidationError} when `task` cannot name a task. */
export function checkTask(task: unknown): void {
  const rule = nameRule(task);
  if (rule !== undefined)
    throw new ValidationError(typeof task === "string" ? task : "task", `${rule} (a task)`);
}

/** @throws {ValidationError} unless `step` is a safe integer. */
export function checkStep(step: unknown): void {
  if (Number.isSafeInteger(step)) return;
  const found =
    typeof step === "string"
      ? JSON.stringify(step.slice(0, 40))
      : isWritable(step)
        ? String(step)
        : typeof step;
  throw new ValidationError("step", `must be an integer between -(2^53-1) and 2^53-1, found ${found}`);
}

/** Objects and functions may throw when they are made into text. */
function isWritable(value: unknown): boolean {
  return value === null || (typeof value !== "object" && typeof value !== "function");
}

/** What a writer remembers of a (task, key) to give the next observation its time. */
export interface KeyClock {
  step: number;
  time: number;
}

/**
 * The time of the next observation of a key, never before the last one and later whenever the step did not grow: no
 * two observations share (key, step, time), which MLflow would merge into one.
 */
export function nextTime(clock: KeyClock | undefined, step: number, now: number): number {
  if (clock === undefined) return now;
  return step > clock.step ? Math.max(now, clock.time) : Math.max(now, clock.time + 1);
}
