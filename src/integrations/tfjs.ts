import { ValidationError } from "runlog";
import { fitParameters, modelParameters } from "./tfjs-parameters.ts";

/**
 * TensorFlow.js: a callback for `model.fit` and `model.fitDataset` that tracks what they report. TensorFlow.js itself
 * is not imported: whatever build and version of it the page holds is the one that is used.
 */

/** What is tracked into: a run, or a task, which keeps no parameters. */
export interface FitTarget {
  track(values: Readonly<Record<string, unknown>>, options?: { readonly step?: number }): void;
  setParameters?(parameters: Readonly<Record<string, unknown>>): void;
}

/** The part of the `tf` namespace that `fitCallback` uses. */
export interface TensorFlow {
  readonly CustomCallback: new (hooks: FitHooks) => object;
}

export interface FitOptions {
  /**
   * The TensorFlow.js namespace (`import * as tf from "@tensorflow/tfjs"`). With it the callback may stand anywhere in
   * a list, and parameters and model are always recorded. Without it the callback may stand alone or after
   * `tf.callbacks.earlyStopping(…)`, not before it, and alone it learns only the metrics.
   */
  readonly tf?: TensorFlow;
  /** Put before every key and parameter, to tell several trainings of one run apart: `"pretrain/"`. @default "" */
  readonly prefix?: string;
  /**
   * Which batches are tracked besides the epochs: none, all, or every so many, from the first one.
   * Reading the loss of a batch waits for the GPU, so that tracking all of them slows a training there.
   * @default "epoch"
   */
  readonly every?: "epoch" | "batch" | number;
}

/** What `fit` hands a callback: numbers, or scalar tensors that nobody has read yet. */
export type FitLogs = Readonly<Record<string, unknown>>;

/** What a `tf.CustomCallback` is made of. */
export interface FitHooks {
  onEpochEnd(epoch: number, logs?: FitLogs): Promise<void>;
  onBatchEnd?(batch: number, logs?: FitLogs): Promise<void>;
}

/** A callback for the `callbacks` of `fit` and `fitDataset`. */
export interface FitCallback {
  /** Set by TensorFlow.js; nothing to read here. */
  validationData: never;
  params: never;
  setParams(params: FitLogs): void;
  setModel(model: object): void;
  onTrainBegin(logs?: FitLogs): Promise<void>;
  onTrainEnd(logs?: FitLogs): Promise<void>;
  onEpochBegin(epoch: number, logs?: FitLogs): Promise<void>;
  onEpochEnd(epoch: number, logs?: FitLogs): Promise<void>;
  onBatchBegin(batch: number, logs?: FitLogs): Promise<void>;
  onBatchEnd(batch: number, logs?: FitLogs): Promise<void>;
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
  const setParams = (params: FitLogs): void => set(() => fitParameters(params));
  const setModel = (model: object): void => set(() => modelParameters(model));
  if (tf === undefined) return plainCallback(hooks, setParams, setModel);
  return Object.assign(new tf.CustomCallback(hooks) as FitCallback, { setParams, setModel });
}

/** Keys that tell where the training is, and measure nothing. */
const bookkeeping: ReadonlySet<string> = new Set(["batch", "size", "num_steps"]);

function intervalOf(every: unknown): number | undefined {
  if (every === "epoch") return undefined;
  if (every === "batch") return 1;
  if (Number.isSafeInteger(every) && (every as number) > 0) return every as number;
  const found = typeof every === "string" ? JSON.stringify(every) : String(every);
  throw new ValidationError("every", `must be "epoch", "batch" or a number of batches from 1, found ${found}`);
}

/** A training is not stopped by what cannot be kept of it: it is warned of once for each key. */
function createWarning(): (what: string, error: unknown) => void {
  const warned = new Set<string>();
  return (what, error) => {
    if (warned.has(what)) return;
    warned.add(what);
    console.warn(`runlog could not keep ${what} of a training: ${error instanceof Error ? error.message : error}`);
  };
}

function isScalar(value: unknown): value is { data(): Promise<ArrayLike<number>> } {
  return typeof value === "object" && value !== null && typeof (value as { data?: unknown }).data === "function";
}

const nothing = async (): Promise<void> => undefined;

/**
 * A callback by its shape alone. `fit` uses it in one of two ways: alone it reads the functions once and wraps them,
 * after a callback of its own it calls them one by one, all of them, `setParams` first.
 */
function plainCallback(
  hooks: FitHooks,
  setParams: (params: FitLogs) => void,
  setModel: (model: object) => void,
): FitCallback {
  let called = false;
  return {
    validationData: null as never,
    params: null as never,
    setParams(params) {
      called = true;
      setParams(params);
    },
    setModel,
    onTrainBegin: nothing,
    onTrainEnd: nothing,
    onEpochBegin: nothing,
    onEpochEnd: hooks.onEpochEnd,
    onBatchBegin: nothing,
    /** Absent where it is wrapped and batches are not tracked: for a function `fit` reads every batch off the GPU. */
    get onBatchEnd() {
      return hooks.onBatchEnd ?? (called ? nothing : (undefined as never));
    },
  };
}
