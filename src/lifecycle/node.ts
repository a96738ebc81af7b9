import type { Watched } from "../client/platform.ts";
import { watchBunRejections } from "./node-bun-rejections.ts";

/**
 * What a process's end does to open runs. An empty event loop finishes them as `finish()` would; `process.exit()`,
 * errors and signals get only what is synchronous: the end of the run and all that was tracked, on disk. Exit codes
 * and signals stay what they were.
 */

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** Marks the signal listener of this and any other copy of the library. */
const brand = Symbol.for("runlog.signal");

export interface NodeLifecycle {
  /** Watches over a run; gives what stops watching. */
  watch(run: Watched): () => void;
}

export function createNodeLifecycle(): NodeLifecycle {
  const runs = new Set<Watched>();
  let message: string | undefined;
  let signal: string | undefined;
  let rejected = false;
  let stop: (() => void) | undefined;

  const endAll = (status: "SUCCESS" | "FAIL"): void => {
    // An error that the program itself caught, before it left with code 0, is none.
    const said = status === "FAIL" ? message : undefined;
    const why = { ...(said !== undefined && { message: said }), ...(signal !== undefined && { signal }) };
    for (const run of runs) run.end(status, why);
  };

  const loopIsEmpty = (): void => {
    // A code other than 0 is a failure, and is left to the exit hook.
    if (Number(process.exitCode ?? 0) === 0 && !rejected) for (const run of runs) void run.finish();
  };
  const exits = (code: number): void => {
    endAll(code === 0 && signal === undefined && !rejected ? "SUCCESS" : "FAIL");
  };
  const uncaught = (error: unknown): void => {
    message = error instanceof Error ? error.message : String(error);
    // Deno ends then without its exit hook.
    const ends = "deno" in process.versions && process.listenerCount("uncaughtException") === 0;
    if (ends) endAll("FAIL");
  };
  const unhandled = (error: unknown): void => {
    rejected = true;
    uncaught(error);
  };
  const signalled = (name: NodeJS.Signals): void => {
    if (process.listeners(name).some((each) => !(brand in each))) {
      stepAside(name);
      return;
    }
    signal = name;
    endAll("FAIL");
    stop?.();
    process.kill(process.pid, name);
  };
  Object.defineProperty(signalled, brand, { value: true });

  /** Somebody else listens and decides what happens. Some end the program only if they find themselves alone. */
  const stepAside = (name: NodeJS.Signals): void => {
    for (const run of runs) run.save();
    process.off(name, signalled);
    const back = (): void => {
      if (stop !== undefined && !process.listeners(name).includes(signalled))
        process.prependListener(name, signalled);
    };
    setImmediate(back).unref();
  };

  const start = (): (() => void) => {
    process.on("beforeExit", loopIsEmpty);
    process.on("exit", exits);
    process.on("uncaughtExceptionMonitor", uncaught);
    for (const name of signals) process.prependListener(name, signalled);
    const stopRejections = "bun" in process.versions ? watchBunRejections(unhandled) : undefined;
    return () => {
      stopRejections?.();
      process.off("beforeExit", loopIsEmpty);
      process.off("exit", exits);
      process.off("uncaughtExceptionMonitor", uncaught);
      for (const name of signals) process.off(name, signalled);
    };
  };

  return {
    watch(run) {
      runs.add(run);
      stop ??= start();
      return () => {
        runs.delete(run);
        // What is left of a finished run (its last writes) still ends with the process: listeners go with the last run.
        if (runs.size > 0) return;
        stop?.();
        stop = undefined;
      };
    },
  };
}
