import * as tf from "@tensorflow/tfjs";
import { defineMetrics, type LocalStore, metric, type Run } from "runlog";
import { type FitCallback, type FitOptions, fitCallback } from "runlog/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import type { OpenedStore } from "../../src/client/open-store.ts";
import type { Client } from "../../src/run.ts";
import { batchSize, compiled, data, dataset, samples, warnings } from "./training.ts";

/** What the callback is judged with. */
export interface FitHost {
  readonly api: Client;
  /** A new, empty store. */
  make(): LocalStore;
}

type Callbacks = NonNullable<tf.ModelFitArgs["callbacks"]>;

const epochs = 3;
const batchesOfEpoch: number = samples / batchSize;
const withTf: readonly FitOptions[] = [{ tf }, {}];
const stopping = (): tf.EarlyStopping =>
  tf.callbacks.earlyStopping({ monitor: "val_loss", minDelta: 1e9, patience: 2 });

/** The promises of `fitCallback`, kept by real trainings in every host. */
export function fitContract(name: string, host: FitHost): void {
  const { api } = host;
  const begin = (): { run: Run<undefined>; store: OpenedStore } => {
    const store = host.make();
    return { run: api.startRun({ store, syncTo: [], quiet: true }), store: api.openStore(store) };
  };
  const train = (callbacks: Callbacks, more: tf.ModelFitArgs = {}): Promise<tf.History> => {
    const { xs, ys } = data();
    return compiled().fit(xs, ys, {
      epochs,
      batchSize,
      validationSplit: 0.25,
      verbose: 0,
      callbacks,
      ...more,
    });
  };
  /** The run holds the history of the training, key by key, and no other key. */
  const equal = async (store: OpenedStore, run: string, { epoch, history }: tf.History): Promise<void> => {
    const keys = new Set((await store.rows(run)).map((row) => row.key));
    expect([...keys].sort()).toEqual(Object.keys(history).sort());
    for (const [key, values] of Object.entries(history)) {
      const series = await store.series(run, key);
      expect([...series.step]).toEqual(epoch);
      expect([...series.value]).toEqual(values);
    }
  };

  describe(`fitCallback on ${name}`, () => {
    beforeAll(async () => {
      // The first tensor in Node brings a line of advertisement.
      await warnings(async () => (await tf.setBackend("cpu")) && tf.scalar(0).dispose());
    });

    describe.each(withTf)("%#: with tf, then without", (options) => {
      it.each<[string, (callback: FitCallback) => Callbacks]>([
        ["alone", (callback) => callback],
        ["in a list", (callback) => [callback]],
        ["after an object of functions", (callback) => [{ onBatchEnd: async () => undefined }, callback]],
      ])("%s: the series equal what fit returned", async (_, callbacks) => {
        const { run, store } = begin();
        const history = await train(callbacks(fitCallback(run, options)));
        expect(Object.keys(history.history).sort()).toEqual(["loss", "mae", "val_loss", "val_mae"]);
        await run.finish();
        await equal(store, run.id, history);
      });

      it("after early stopping: it stops, and the series end there", async () => {
        const { run, store } = begin();
        const history = await train([stopping(), fitCallback(run, options)], { epochs: 9 });
        expect(history.epoch).toEqual([0, 1, 2]);
        await run.finish();
        await equal(store, run.id, history);
        expect((await store.runLog(run.id)).parameters).toMatchObject({ epochs: 9, "optimizer.name": "SGD" });
      });

      it("fitDataset, from the epoch it begins with", async () => {
        const { run, store } = begin();
        const callbacks = fitCallback(run, options);
        const validationData = dataset();
        const history = await compiled().fitDataset(dataset(), {
          epochs: 5,
          initialEpoch: 3,
          verbose: 0,
          validationData,
          callbacks,
        });
        expect(history.epoch).toEqual([3, 4]);
        await run.finish();
        await equal(store, run.id, history);
      });

      it("batches, all of them or every so many, by a counter that does not begin anew", async () => {
        const { run, store } = begin();
        const seen: number[] = [];
        const see = new tf.CustomCallback({
          onBatchEnd: async (_, logs) => void seen.push(logs?.loss as number),
        });
        const few = { ...options, every: 5, prefix: "few/" };
        await train([see, fitCallback(run, { ...options, every: "batch" }), fitCallback(run, few)], {
          validationSplit: 0,
        });
        await run.finish();
        const all = await store.series(run.id, "batch/loss");
        expect([...all.value]).toEqual(seen);
        expect([...all.step]).toEqual(seen.map((_, step) => step));
        expect(seen).toHaveLength(epochs * batchesOfEpoch);
        const keys = new Set((await store.rows(run.id)).map((row) => row.key));
        expect([...keys].filter((key) => key.startsWith("batch/")).sort()).toEqual([
          "batch/loss",
          "batch/mae",
        ]);
        const some = await store.series(run.id, "few/batch/loss");
        expect([...some.step]).toEqual([0, 5, 10, 15, 20]);
        expect([...some.value]).toEqual([0, 5, 10, 15, 20].map((step) => seen[step]));
        expect([...(await store.series(run.id, "few/loss")).step]).toEqual([0, 1, 2]);
      });

      it("what cannot be kept neither stops the training nor takes the rest along", async () => {
        const store = host.make();
        const metrics = defineMetrics({ loss: metric(), mae: metric(), val_mae: metric() });
        const run = api.startRun({ store, metrics, syncTo: [], quiet: true });
        const { result, warned } = await warnings(() => train(fitCallback(run, options)));
        expect(result.epoch).toHaveLength(epochs);
        expect(warned).toEqual([
          expect.stringMatching(/^runlog could not keep val_loss of a training: 'val_loss'/),
        ]);
        await run.finish();
        const { val_loss: _, ...kept } = result.history;
        await equal(api.openStore(store), run.id, {
          epoch: result.epoch,
          history: kept,
        } as unknown as tf.History);
      });

      it("a run that throws whatever it is asked does not stop it either", async () => {
        const broken = (): never => {
          throw new Error("broken");
        };
        const target = { track: broken, setParameters: broken };
        const { result, warned } = await warnings(() => train([stopping(), fitCallback(target, options)]));
        expect(result.epoch).toHaveLength(epochs);
        expect(new Set(warned)).toHaveLength(warned.length);
        expect(warned).toContain("runlog could not keep loss of a training: broken");
      });

      it("reads no batch that is not tracked, and leaves no tensor behind", async () => {
        const { run } = begin();
        const { xs, ys } = data();
        const model = compiled();
        const read = (
          every: "epoch" | "batch" | number,
          before: tf.CustomCallback[] = [],
        ): Promise<number> => {
          const callback = fitCallback(run, { ...options, every });
          const callbacks = before.length === 0 ? callback : [...before, callback];
          return readsOf(() => model.fit(xs, ys, { epochs, batchSize, verbose: 0, callbacks }));
        };
        const keys = ["loss", "mae"].length;
        const batches = epochs * batchesOfEpoch;
        await read("epoch");
        const before = tf.memory().numTensors;
        expect(await read("epoch")).toBe(epochs * keys);
        expect(await read("batch")).toBe((batches + epochs) * keys);
        // Alone and without tf it is wrapped by something that reads all or nothing.
        if (options.tf !== undefined) expect(await read(8)).toBe((batches / 8 + epochs) * keys);
        const readsEpochs = new tf.CustomCallback({ onEpochEnd: async () => undefined });
        expect(await read(8, [readsEpochs])).toBe((batches / 8 + epochs) * keys);
        expect(tf.memory().numTensors).toBe(before);
        await run.finish();
      });
    });

    it("with tf it may stand before early stopping", async () => {
      const { run, store } = begin();
      const history = await train([fitCallback(run, { tf }), stopping()], { epochs: 9 });
      expect(history.epoch).toEqual([0, 1, 2]);
      await run.finish();
      await equal(store, run.id, history);
    });

    it("after a callback that leaves scalars unread it reads them, without spoiling them for others", async () => {
      const { run, store } = begin();
      const unread = new tf.CustomCallback({});
      const { xs, ys } = data();
      const callbacks = [unread, fitCallback(run, { every: "batch" }), unread];
      const history = await compiled().fit(xs, ys, { epochs, batchSize, verbose: 0, callbacks });
      await run.finish();
      for (const [key, values] of Object.entries(history.history)) {
        expect([...(await store.series(run.id, key)).value]).toEqual(values);
      }
      expect((await store.series(run.id, "batch/loss")).value).toHaveLength((epochs * samples) / batchSize);
    });

    it("records how fit was called, what was compiled and the shape of the model", async () => {
      const { run, store } = begin();
      run.setParameters({ epochs: "mine" });
      await train(fitCallback(run, { tf, prefix: "a/" }));
      await run.finish();
      const { parameters } = await store.runLog(run.id);
      expect(parameters).toEqual({
        epochs: "mine",
        "a/epochs": epochs,
        "a/initialEpoch": 0,
        "a/batchSize": batchSize,
        "a/samples": samples * 0.75,
        "a/optimizer.name": "SGD",
        "a/optimizer.learningRate": 0.05,
        "a/model.name": expect.stringMatching(/^sequential/),
        "a/model.loss": "meanSquaredError",
        "a/model.parameters": 17,
        "a/model.trainableParameters": 5,
        "a/model.layers": [
          { name: "frozen_input", type: "InputLayer", outputShape: [null, 2], parameters: 0 },
          { name: "frozen", type: "Dense", outputShape: [null, 4], parameters: 12 },
          { name: "out", type: "Dense", outputShape: [null, 1], parameters: 5 },
        ],
      });
    });

    it("a task is a target too; trackRun marks the run that fit failed", async () => {
      const store = host.make();
      let id = "";
      const failing = api.trackRun({ store, syncTo: [], quiet: true }, async (run) => {
        id = run.id;
        await run.task("train", (task) => {
          const stops = { onEpochEnd: async () => Promise.reject(new Error("out of memory")) };
          return train([fitCallback(task, { tf }), new tf.CustomCallback(stops)]);
        });
      });
      await expect(failing).rejects.toThrow("out of memory");
      const opened = api.openStore(store);
      expect((await opened.series(id, "loss", { task: "train" })).step).toHaveLength(1);
      expect(await opened.runLog(id)).toMatchObject({ status: "FAIL", parameters: {} });
    });

    it.each([0, -1, 1.5, "batches", null])("every: %s is refused", (every) => {
      expect(() => fitCallback({ track: () => undefined }, { every: every as never })).toThrow(
        /'every' must be "epoch", "batch" or a number of batches from 1/,
      );
    });
  });
}

/** How often a tensor's data were read meanwhile. */
async function readsOf(body: () => Promise<unknown>): Promise<number> {
  const prototype = tf.Tensor.prototype;
  const { data: read } = prototype;
  let reads = 0;
  prototype.data = function (this: tf.Tensor) {
    reads += 1;
    return read.call(this);
  } as typeof read;
  try {
    await body();
  } finally {
    prototype.data = read;
  }
  return reads;
}
