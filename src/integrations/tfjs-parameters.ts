/** What TensorFlow.js tells a callback about a training and its model, as parameters of a run. */

type Parameters = Readonly<Record<string, unknown>>;

/** The layers model, as far as it is read here. */
interface Model {
  readonly name: string;
  readonly layers: readonly Layer[];
  readonly trainableWeights: readonly { readonly shape: readonly number[] }[];
  readonly loss?: unknown;
  readonly optimizer?: { getClassName(): string; getConfig(): Parameters };
  countParams(): number;
}

interface Layer {
  readonly name: string;
  readonly outputShape: unknown;
  getClassName(): string;
  countParams(): number;
}

/** How `fit` was called. What it was not given (`samples` of a dataset) is left out. */
export function fitParameters(params: Parameters): Parameters {
  const { epochs, initialEpoch, batchSize, samples, steps } = params;
  const given = Object.entries({ epochs, initialEpoch, batchSize, samples, steps });
  return Object.fromEntries(given.filter(([, value]) => typeof value === "number"));
}

/** What was compiled into the model, and its shape: `null` in an output shape is the batch. */
export function modelParameters(given: object): Parameters {
  const model = given as Model;
  const { optimizer } = model;
  return {
    ...(optimizer !== undefined && optimizerParameters(optimizer)),
    "model.name": model.name,
    "model.loss": lossOf(model.loss),
    "model.parameters": model.countParams(),
    "model.trainableParameters": model.trainableWeights.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    "model.layers": model.layers.map((layer) => ({
      name: layer.name,
      type: layer.getClassName(),
      outputShape: layer.outputShape,
      parameters: layer.countParams(),
    })),
  };
}

function optimizerParameters(optimizer: NonNullable<Model["optimizer"]>): Parameters {
  const config = Object.entries(optimizer.getConfig()).map(([name, value]) => [`optimizer.${name}`, value]);
  return { "optimizer.name": optimizer.getClassName(), ...Object.fromEntries(config) };
}

/** The names of the losses: one, a list, or one for each output. Functions go by theirs. */
function lossOf(loss: unknown): unknown {
  if (typeof loss === "function") return loss.name === "" ? "function" : loss.name;
  if (Array.isArray(loss)) return loss.map(lossOf);
  if (typeof loss !== "object" || loss === null) return loss;
  return Object.fromEntries(Object.entries(loss).map(([output, one]) => [output, lossOf(one)]));
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
