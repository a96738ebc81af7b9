/** The two shapes of a callback that `fit` of TensorFlow.js takes: a `tf.CustomCallback`, and an object of functions. */

/** The part of the `tf` namespace that `fitCallback` uses. */
export interface TensorFlow {
  readonly CustomCallback: new (functions: Pick<FitHooks, "onEpochEnd">) => object;
}

/** What `fit` hands a callback: numbers, or scalar tensors that nobody has read yet. */
export type FitLogs = Readonly<Record<string, unknown>>;

/** What is done at the end of an epoch, and of a batch where batches are tracked. */
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

/** What a callback is told before the training. */
export type FitListener = Pick<FitCallback, "setParams" | "setModel">;

const nothing = async (): Promise<void> => undefined;

/**
 * A callback by its shape alone. `fit` uses it in one of two ways: alone it reads the functions once and wraps them,
 * after a callback of its own it calls them one by one, all of them, `setParams` first.
 */
export function plainCallback(hooks: FitHooks, { setParams, setModel }: FitListener): FitCallback {
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

const hookNames = [
  "onTrainBegin",
  "onTrainEnd",
  "onEpochBegin",
  "onEpochEnd",
  "onBatchBegin",
  "onBatchEnd",
] as const;

/**
 * A `tf.CustomCallback`, which also lets the page breathe, as `fit` does without callbacks. It reads the scalars of
 * whatever it has a function for; so it is not told of batches, and those that are tracked are read here. Its methods
 * are bound: after an object of functions `fit` takes them off it and wraps them.
 */
export function realCallback(
  tf: TensorFlow,
  { onEpochEnd, onBatchEnd }: FitHooks,
  listener: FitListener,
): FitCallback {
  const callback = new tf.CustomCallback({ onEpochEnd }) as FitCallback;
  for (const name of hookNames) callback[name] = callback[name].bind(callback) as never;
  const breathe = callback.onBatchEnd;
  return Object.assign(callback, listener, {
    async onBatchEnd(batch: number, logs?: FitLogs) {
      await onBatchEnd?.(batch, logs);
      await breathe(batch, logs);
    },
  });
}
