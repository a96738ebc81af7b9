import { defineMetrics, type Metric, type MetricModel, metric, type Run, type Tracked } from "runlog";
import * as z from "zod/mini";
import type { Digits } from "./data.ts";
import { type Parameters, type StepDone, training } from "./model.ts";

/** The types behind `metrics`. */
export type DigitsMetrics = MetricModel<
  {
    readonly loss: Metric;
    readonly accuracy: Metric;
    readonly test_accuracy: Metric;
    readonly confusion: z.ZodMiniType<number[][]>;
  },
  false
>;

/** What the training tracks: loss and accuracy at each step, and at the end of an epoch how it does on the test images. */
export const metrics: DigitsMetrics = defineMetrics({
  loss: metric({ goal: "min" }),
  accuracy: metric({ goal: "max" }),
  test_accuracy: metric({ goal: "max" }),
  confusion: z.array(z.array(z.int())),
});

export const tag = "digits";

/** What a training came to. */
export interface Trained {
  readonly steps: number;
  /** The share of the test images that is right at the end. */
  readonly accuracy: number;
}

export interface Progress {
  /** Steps that a former process tracked already: trained again, as the network was lost, but not tracked again. @default 0 */
  readonly after?: number;
  /** Called after each tracked step; the training waits for it. */
  readonly each?: (done: StepDone) => Promise<void> | void;
}

/** Trains and tracks. `run` only needs to `track`. */
export async function trackTraining(
  run: Pick<Run<DigitsMetrics>, "track">,
  digits: Digits,
  parameters: Parameters,
  { after = 0, each }: Progress = {},
): Promise<Trained> {
  let trained: Trained = { steps: 0, accuracy: 0 };
  for (const done of training(digits, parameters)) {
    trained = { steps: done.step, accuracy: done.epoch?.accuracy ?? trained.accuracy };
    if (done.step <= after) continue;
    run.track(valuesOf(done), { step: done.step });
    await each?.(done);
  }
  return trained;
}

function valuesOf({ loss, accuracy, epoch }: StepDone): Tracked<DigitsMetrics> {
  if (epoch === undefined) return { loss, accuracy };
  return { loss, accuracy, test_accuracy: epoch.accuracy, confusion: epoch.confusion };
}
