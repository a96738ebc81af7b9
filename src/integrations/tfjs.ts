import { ValidationError } from "runlog";
import {
  type FitCallback,
  type FitHooks,
  type FitListener,
  type FitLogs,
  plainCallback,
  realCallback,
  type TensorFlow,
} from "./tfjs-callbacks.ts";
import { fitParameters, modelParameters } from "./tfjs-parameters.ts";

export type { FitCallback, FitLogs, TensorFlow } from "./tfjs-callbacks.ts";

/**
 * TensorFlow.js: a callback for `model.fit` and `model.fitDataset` that tracks what they report. TensorFlow.js itself
 * is not imported: whatever build and version of it the page holds is the one that is used.
 */

/** What is tracked into: a run, or a task, which keeps no parameters. */
export interface FitTarget {
  track(values: Readonly<Record<string, unknown>>, options?: { readonly step?: number }): void;
  setParameters?(parameters: Readonly<Record<string, unknown>>): void;
}

export interface FitOptions {
  /**
   * The TensorFlow.js namespace (`import * as tf from "@tensorflow/tfjs"`). With it the callback may stand before and
   * after `tf.callbacks.earlyStopping(…)`, and parameters and model are recorded. Without it the callback may stand
   * alone, beside objects of functions, or after early stopping, not before it; only in the last case does it learn
   * more than metrics. (`fit` takes a list as callback objects or as objects of functions, by its first entry.)
   */
  readonly tf?: TensorFlow;
  /** Put before every key and parameter, to tell several trainings of one run apart: `"pretrain/"`. @default "" */
  readonly prefix?: string;
  /**
   * Which batches are tracked besides the epochs: none, all, or every so many, from the first one.
   * Reading the loss of a batch waits for the GPU, so that tracking all of them slows a training there. With `tf`, or
   * after early stopping, the batches between are not read.
   * @default "epoch"
   */
  readonly every?: "epoch" | "batch" | number;
}

/**
 * Tracks a training: `await model.fit(xs, ys, { epochs, callbacks: fitCallback(run, { tf }) })`.
 *
 * - Epochs: `loss`, `val_loss`, `acc`, … as `fit` names them, at step = epoch, from 0 as in its history.
 * - Batches (`every`): `batch/loss`, …, at step = batches trained with this callback so far, from 0.
 * - Parameters of the run: `epochs`, `batchSize`, `samples`, `steps`, `initialEpoch`; `optimizer.name`,
 *   `optimizer.learningRate`, …; `model.name`, `model.loss`, `model.parameters`, `model.trainableParameters` and
 *   `model.layers` (name, type, output shape and number of parameters of each layer).
 *
 * It never stops a training: what cannot be kept, say a key outside the metric model, is warned of once. Whether the
 * run failed is not its business either: `trackRun` around `fit` marks that.
 *
 * @throws {ValidationError} for an `every` that is none
 */
export function fitCallback(run: FitTarget, options: FitOptions = {}): FitCallback {
  const { tf, prefix = "", every = "epoch" } = options;
  const interval = intervalOf(every);
  const warn = createWarning();
  let batches = 0;

  const track = async (logs: FitLogs | undefined, scope: string, step: number): Promise<void> => {
    // All entries are taken at once: the library goes on to change the object.
    for (const [name, value] of Object.entries(logs ?? {})) {
      if (bookkeeping.has(name)) continue;
      const key = `${prefix}${scope}${name}`;
      try {
        run.track({ [key]: isScalar(value) ? (await value.data())[0] : value }, { step });
      } catch (error) {
        warn(key, error);
      }
    }
  };
  const set = (read: () => Readonly<Record<string, unknown>>): void => {
    try {
      const named = Object.entries(read()).map(([name, value]) => [`${prefix}${name}`, value]);
      run.setParameters?.(Object.fromEntries(named));
    } catch (error) {
      warn("the parameters", error);
    }
  };

  const hooks: FitHooks = {
    onEpochEnd: (epoch, logs) => track(logs, "", epoch),
    ...(interval !== undefined && {
      async onBatchEnd(_, logs) {
        const step = batches++;
        if (step % interval === 0) await track(logs, "batch/", step);
      },
    }),
  };
  const listener: FitListener = {
    setParams: (params) => set(() => fitParameters(params)),
    setModel: (model) => set(() => modelParameters(model)),
  };
  return tf === undefined ? plainCallback(hooks, listener) : realCallback(tf, hooks, listener);
}

/** Keys that tell where the training is, and measure nothing. */
const bookkeeping: ReadonlySet<string> = new Set(["batch", "size", "num_steps"]);

function intervalOf(every: unknown): number | undefined {
  if (every === "epoch") return undefined;
  if (every === "batch") return 1;
  if (Number.isSafeInteger(every) && (every as number) > 0) return every as number;
  const found = typeof every === "string" ? JSON.stringify(every) : String(every);
  throw new ValidationError(
    "every",
    `must be "epoch", "batch" or a number of batches from 1, found ${found}`,
  );
}

/** A training is not stopped by what cannot be kept of it: it is warned of once for each key. */
function createWarning(): (what: string, error: unknown) => void {
  const warned = new Set<string>();
  return (what, error) => {
    if (warned.has(what)) return;
    warned.add(what);
    console.warn(
      `runlog could not keep ${what} of a training: ${error instanceof Error ? error.message : error}`,
    );
  };
}

function isScalar(value: unknown): value is { data(): Promise<ArrayLike<number>> } {
  return (
    typeof value === "object" && value !== null && typeof (value as { data?: unknown }).data === "function"
  );
}
