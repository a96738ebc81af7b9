import { type Destination, openStore, type Run, type RunSummary, resumeRun, startRun } from "runlog";
import type { Digits } from "../digits/data.ts";
import { defaults, type Parameters } from "../digits/model.ts";
import { type DigitsMetrics, metrics, tag, trackTraining } from "../digits/tracked.ts";

/** Trainings of this page. One at a time; a lock for each run keeps two tabs from training the same one. */

/** A step is shown for this long; without a pause the whole training would be over in a blink. */
const pauseMillis = 12;

export type DigitsRun = Run<DigitsMetrics>;

export interface Trainer {
  /** Starts a new run and trains to its end. */
  start(parameters: Parameters): Promise<void>;
  /** Goes on with runs of this browser that a reload or crash has cut short. */
  resume(): Promise<void>;
}

export interface TrainerParts {
  readonly digits: Digits;
  readonly syncTo: readonly Destination[];
  /** Told when a training begins, with its run, and when it has ended. */
  readonly began: (run: DigitsRun, word: string) => void;
  readonly ended: (run: DigitsRun, word: string) => void;
}

export function createTrainer({ digits, syncTo, began, ended }: TrainerParts): Trainer {
  const train = async (run: DigitsRun, parameters: Parameters, after: number): Promise<void> => {
    const from =
      after === 0 ? "" : ` It was cut short after step ${after}: trained to there again, then tracked on.`;
    began(run, `Training as ${run.id}.${from}`);
    const { accuracy } = await trackTraining(run, digits, parameters, {
      after,
      each: () => pause(pauseMillis),
    });
    await run.finish("SUCCESS", { timeout: 0 });
    ended(run, `${run.id} has ended: ${(accuracy * 100).toFixed(1)} % of the test images are right.`);
  };
  return {
    async start(parameters) {
      const run = startRun({ tag, metrics, parameters: { ...parameters }, syncTo });
      await withLock(run.id, () => train(run, parameters, 0));
    },
    async resume() {
      for await (const summary of openStore().runs({ tag, status: "PROCESSING", sort: "started" })) {
        await withLock(summary.run, async () => {
          const run = await resumeRun({ runId: summary.run, metrics, syncTo });
          await train(run, parametersOf(summary), summary.metrics.loss?.lastStep ?? 0);
        });
      }
    },
  };
}

/** Calls `body` unless another tab trains that run. */
async function withLock(run: string, body: () => Promise<void>): Promise<void> {
  await navigator.locks.request(`digits:${run}`, { ifAvailable: true }, (lock) =>
    lock === null ? undefined : body(),
  );
}

/** What the run was started with; the same parameters train the same network again. */
function parametersOf({ parameters }: RunSummary): Parameters {
  const read = (name: keyof Parameters): number => {
    const value = parameters[name];
    return typeof value === "number" ? value : defaults[name];
  };
  return {
    hidden: read("hidden"),
    lr: read("lr"),
    batch: read("batch"),
    epochs: read("epochs"),
    seed: read("seed"),
  };
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
