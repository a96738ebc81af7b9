import { Runtime } from "@observablehq/runtime";
import { memoryStore, openStore, resumeRun, type Series } from "runlog";
import { runPicker } from "runlog/notebook";
import { expect, it } from "vitest";

/** What the cells of a classic notebook gave, in order. */
function observing<T>(): {
  values: T[];
  observer: object;
  reached: (test: (value: T) => boolean) => Promise<void>;
} {
  const values: T[] = [];
  const errors: unknown[] = [];
  const observer = {
    fulfilled: (value: T) => void values.push(value),
    rejected: (error: unknown) => void errors.push(error),
  };
  return {
    values,
    observer,
    async reached(test) {
      const limit = Date.now() + 10_000;
      while (!values.some(test) && Date.now() < limit)
        await new Promise((resolve) => setTimeout(resolve, 20));
      expect(errors).toEqual([]);
      expect(values.some(test)).toBe(true);
    },
  };
}

it("a cell yields the series of run.live; a new parameter ends it and closes nothing else", async () => {
  const store = memoryStore();
  const module = new Runtime().module();
  const runs = observing<{ id: string }>();
  const frames = observing<Series>();
  module.define("lr", [], 0.1);
  module
    .variable(runs.observer)
    .define("run", ["lr", "invalidation"], async (lr: number, invalidation: Promise<void>) => {
      const run = await resumeRun({
        key: "cell",
        store,
        parameters: { lr },
        rewindTo: 0,
        invalidation,
        syncTo: [],
        quiet: true,
      });
      for (let step = 0; step < 5; step++) run.track({ loss: lr / (step + 1) }, { step });
      return run;
    });
  module
    .variable(frames.observer)
    .define("series", ["run"], (run: { live(key: string): object }) => run.live("loss"));
  await frames.reached(({ value }) => value.length === 5 && value[0] === 0.1);
  module.redefine("lr", [], 0.2);
  await frames.reached(({ value }) => value.length === 5 && value[0] === 0.2);
  expect(new Set(runs.values.map(({ id }) => id)).size).toBe(2);
  const afterwards = frames.values.slice(frames.values.findIndex(({ value }) => value[0] === 0.2));
  expect(afterwards.every(({ value }) => value[0] === 0.2)).toBe(true);
});

it.skipIf(globalThis.document === undefined)("viewof a picker gives the id to other cells", async () => {
  const store = memoryStore();
  const module = new Runtime().module();
  const rows = observing<{ value: unknown }[]>();
  const run = await resumeRun({ key: "kept", store, syncTo: [], quiet: true });
  module.define("viewof picked", [], () => runPicker(store));
  module.define("picked", ["viewof picked"], async function* (element: HTMLElement & { value?: string }) {
    while (true) {
      if (element.value !== undefined) yield element.value;
      await new Promise((resolve) => element.addEventListener("input", resolve, { once: true }));
    }
  });
  module.variable(rows.observer).define(["picked"], (id: string) => openStore(store).rows(id));
  run.track({ loss: 7 });
  await run.flush();
  await rows.reached((each) => Array.isArray(each));
});
