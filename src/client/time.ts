import { messageOf } from "../errors.ts";
import { checkKey, mainTask } from "../model/observation.ts";
import type { RunCore } from "./core.ts";
import type { TrackOptions } from "./tracker.ts";

/** `run.time`: how long a function took, as a metric. */

/** Calls so far, by key. */
export type TimedCalls = Map<string, number>;

/**
 * Calls `fn`, hands on what it gives or throws, and tracks how long that took as `<name>_ms`. What `fn` throws wins over
 * what is wrong with the key.
 */
export function timed<T>(
  core: RunCore,
  calls: TimedCalls,
  name: string,
  fn: () => T,
  options: TrackOptions,
): T {
  const key = `${name}_ms`;
  checkKey(key);
  const call = calls.get(key) ?? 0;
  calls.set(key, call + 1);
  const start = performance.now();
  const done = (): void =>
    core.tracker.track(mainTask, 1, { [key]: performance.now() - start }, { step: options.step ?? call });
  const failed = (error: unknown): never => {
    try {
      done();
    } catch (refused) {
      if (!core.quiet) core.platform.warn(messageOf(refused));
    }
    throw error;
  };
  let result: T;
  try {
    result = fn();
  } catch (error) {
    return failed(error);
  }
  if (isThenable(result)) {
    const settled = result.then((value) => {
      done();
      return value;
    }, failed);
    return settled as T;
  }
  done();
  return result;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
