import type { Digits, Images } from "./data.ts";
import { createNetwork, evaluate, learn } from "./network.ts";
import { seeded, shuffled } from "./random.ts";

/** The training: mini-batches, seeded, so that the same parameters give the same steps again in the same engine. */

export interface Parameters {
  /** Hidden units. */
  readonly hidden: number;
  /** The learning rate. */
  readonly lr: number;
  /** Images a step. */
  readonly batch: number;
  readonly epochs: number;
  readonly seed: number;
}

export const defaults: Parameters = { hidden: 32, lr: 0.1, batch: 32, epochs: 12, seed: 1 };

/** One step of training, over one mini-batch. */
export interface StepDone {
  /** From 1. */
  readonly step: number;
  /** Mean cross-entropy of the batch before the step. */
  readonly loss: number;
  /** The share of the batch that was right before the step. */
  readonly accuracy: number;
  /** At the end of an epoch: how well the test images are told apart. */
  readonly epoch?: EpochDone;
}

export interface EpochDone {
  /** From 1. */
  readonly epoch: number;
  /** The share of the test images that is right. */
  readonly accuracy: number;
  /** `confusion[digit][answer]`: how many test images of `digit` were taken for `answer`. */
  readonly confusion: number[][];
}

/** Steps of one epoch; a last batch that is not full is left out. */
export function stepsOfEpoch(images: Images, batch: number): number {
  return Math.floor(images.labels.length / batch);
}

/** Trains, one step at each `next()`. */
export function* training(digits: Digits, parameters: Parameters): Generator<StepDone> {
  const random = seeded(parameters.seed);
  const network = createNetwork(parameters.hidden, random);
  const { train, test } = digits;
  const steps = stepsOfEpoch(train, parameters.batch);
  for (let epoch = 1; epoch <= parameters.epochs; epoch++) {
    const order = shuffled(train.labels.length, random);
    for (let index = 0; index < steps; index++) {
      const batch = order.subarray(index * parameters.batch, (index + 1) * parameters.batch);
      const { loss, accuracy } = learn(network, train, batch, parameters.lr);
      const step = (epoch - 1) * steps + index + 1;
      const last = index === steps - 1;
      yield { step, loss, accuracy, ...(last && { epoch: { epoch, ...evaluate(network, test) } }) };
    }
  }
}
