import { classes, type Images, imageSize } from "./data.ts";
import { roughlyNormal } from "./random.ts";

/** A small classifier: 64 pixels, one hidden layer of ReLU units, softmax over ten digits, cross-entropy. */

/** Weights by row: `hidden[unit * 64 + pixel]`, `out[digit * units + unit]`. */
export interface Network {
  readonly units: number;
  readonly hidden: Float64Array;
  readonly hiddenBias: Float64Array;
  readonly out: Float64Array;
  readonly outBias: Float64Array;
}

/** A network with random weights. */
export function createNetwork(units: number, random: () => number): Network {
  // Variance 2 / inputs keeps the scale through ReLU layers (He et al., 2015).
  const weights = (rows: number, inputs: number): Float64Array =>
    Float64Array.from({ length: rows * inputs }, () => roughlyNormal(random) * Math.sqrt(2 / inputs));
  return {
    units,
    hidden: weights(units, imageSize),
    hiddenBias: new Float64Array(units),
    out: weights(classes, units),
    outBias: new Float64Array(classes),
  };
}

/** Hidden activations and the ten probabilities of one image. */
function forward(network: Network, pixels: Float32Array): { hidden: Float64Array; odds: Float64Array } {
  const hidden = layer(network.hidden, network.hiddenBias, pixels).map((sum) => Math.max(0, sum));
  const sums = layer(network.out, network.outBias, hidden);
  const largest = Math.max(...sums);
  const odds = sums.map((sum) => Math.exp(sum - largest));
  const total = odds.reduce((sum, odd) => sum + odd, 0);
  return { hidden, odds: odds.map((odd) => odd / total) };
}

function layer(weights: Float64Array, bias: Float64Array, input: ArrayLike<number>): Float64Array {
  const sums = bias.slice();
  for (let row = 0; row < sums.length; row++) {
    let sum = sums[row] as number;
    const start = row * input.length;
    for (let at = 0; at < input.length; at++) sum += (weights[start + at] as number) * (input[at] as number);
    sums[row] = sum;
  }
  return sums;
}

/** One step of gradient descent over the images in `batch`; gives loss and accuracy before it. */
export function learn(
  network: Network,
  images: Images,
  batch: Uint32Array,
  lr: number,
): { loss: number; accuracy: number } {
  const gradient = createGradient(network);
  let loss = 0;
  let right = 0;
  for (const index of batch) {
    const pixels = imageOf(images, index);
    const label = images.labels[index] as number;
    const { hidden, odds } = forward(network, pixels);
    loss -= Math.log(Math.max(odds[label] as number, 1e-12));
    if (largestOf(odds) === label) right++;
    backward(network, gradient, { pixels, hidden, odds, label });
  }
  const rate = lr / batch.length;
  for (const part of ["hidden", "hiddenBias", "out", "outBias"] as const) {
    const weights = network[part];
    const slope = gradient[part];
    for (let at = 0; at < weights.length; at++)
      weights[at] = (weights[at] as number) - rate * (slope[at] as number);
  }
  return { loss: loss / batch.length, accuracy: right / batch.length };
}

function createGradient({ units }: Network): Network {
  return {
    units,
    hidden: new Float64Array(units * imageSize),
    hiddenBias: new Float64Array(units),
    out: new Float64Array(classes * units),
    outBias: new Float64Array(classes),
  };
}

interface Seen {
  readonly pixels: Float32Array;
  readonly hidden: Float64Array;
  readonly odds: Float64Array;
  readonly label: number;
}

/** Adds one image's slope to `gradient`. */
function backward(network: Network, gradient: Network, { pixels, hidden, odds, label }: Seen): void {
  const error = odds.slice();
  error[label] = (error[label] as number) - 1;
  addOuter(gradient.out, gradient.outBias, error, hidden);
  const back = new Float64Array(network.units);
  for (let unit = 0; unit < network.units; unit++) {
    if (hidden[unit] === 0) continue;
    let sum = 0;
    for (let digit = 0; digit < classes; digit++) {
      sum += (error[digit] as number) * (network.out[digit * network.units + unit] as number);
    }
    back[unit] = sum;
  }
  addOuter(gradient.hidden, gradient.hiddenBias, back, pixels);
}

function addOuter(
  weights: Float64Array,
  bias: Float64Array,
  error: Float64Array,
  input: ArrayLike<number>,
): void {
  for (let row = 0; row < error.length; row++) {
    const slope = error[row] as number;
    if (slope === 0) continue;
    bias[row] = (bias[row] as number) + slope;
    const start = row * input.length;
    for (let at = 0; at < input.length; at++) {
      weights[start + at] = (weights[start + at] as number) + slope * (input[at] as number);
    }
  }
}

/** How well `images` are told apart; `confusion[digit][answer]` counts them. */
export function evaluate(network: Network, images: Images): { accuracy: number; confusion: number[][] } {
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  let right = 0;
  for (let index = 0; index < images.labels.length; index++) {
    const label = images.labels[index] as number;
    const answer = largestOf(forward(network, imageOf(images, index)).odds);
    const row = confusion[label] as number[];
    row[answer] = (row[answer] as number) + 1;
    if (answer === label) right++;
  }
  return { accuracy: right / images.labels.length, confusion };
}

function imageOf(images: Images, index: number): Float32Array {
  return images.pixels.subarray(index * imageSize, (index + 1) * imageSize);
}

function largestOf(values: Float64Array): number {
  return values.indexOf(Math.max(...values));
}
