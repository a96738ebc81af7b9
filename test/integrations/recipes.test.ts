import { memoryStore, openStore, startRun } from "runlog";
import { expect, it } from "vitest";
import { timedSession } from "../../playground/recipes/onnxruntime.ts";
import { type LoadingInfo, trackLoading } from "../../playground/recipes/transformers.ts";

const name = "Xenova/distilbert-base-uncased-finetuned-sst-2-english";

/** A loading of two files, the second of them cached; as transformers.js 4 tells it, sums over all files between. */
function loading(): object[] {
  const progress = (file: string, loaded: number, total: number): object[] => [
    { status: "progress_total", name, progress: 1, loaded, total, files: { [file]: { loaded, total } } },
    { status: "progress", name, file, progress: (loaded / total) * 100, loaded, total },
  ];
  return [
    { status: "initiate", name, file: "config.json" },
    { status: "download", name, file: "config.json" },
    ...progress("config.json", 500, 500),
    { status: "done", name, file: "config.json" },
    { status: "initiate", name, file: "onnx/model.onnx" },
    { status: "download", name, file: "onnx/model.onnx" },
    ...[0, 10, 20, 9_500].flatMap((loaded) => progress("onnx/model.onnx", loaded, 9_500)),
    { status: "done", name, file: "onnx/model.onnx" },
    { status: "initiate", name, file: "vocab.txt" },
    { status: "done", name, file: "vocab.txt" },
    { status: "ready", task: "sentiment-analysis", model: name },
  ];
}

it("transformers.js: percent and bytes of all files, then each file", async () => {
  const store = memoryStore();
  const run = startRun({ store, syncTo: [], quiet: true });
  const progress = trackLoading(run);
  for (const info of loading()) progress(info as LoadingInfo);
  await run.finish();
  const { series } = openStore(store);
  // 10 of 9,500 bytes more are no new percent.
  expect([...(await series(run.id, "load/percent")).value]).toEqual([100, 5, 100]);
  expect([...(await series(run.id, "load/percent")).step]).toEqual([0, 1, 2]);
  expect([...(await series(run.id, "load/bytes")).value]).toEqual([500, 500, 10_000]);
  expect((await series(run.id, "load/file")).value).toEqual([
    { file: "config.json", bytes: 500 },
    { file: "onnx/model.onnx", bytes: 9_500 },
    { file: "vocab.txt", bytes: 0 },
  ]);
});

it("transformers.js: a server that says no length", () => {
  const tracked: unknown[] = [];
  const progress = trackLoading({ track: (values) => void tracked.push(values) });
  for (const loaded of [10, 20]) progress({ status: "progress", file: "a", loaded, total: 0 });
  progress({ status: "progress", file: "a", loaded: 30, total: 20 });
  expect(tracked).toEqual([
    { "load/percent": 0, "load/bytes": 10 },
    { "load/percent": 100, "load/bytes": 30 },
  ]);
});

it("onnxruntime-web: each inference is timed, a failed one too, and called as without", async () => {
  const store = memoryStore();
  const run = startRun({ store, syncTo: [], quiet: true });
  const session = {
    scale: 2,
    async run({ input }: { input: number }, options?: { tag: string }) {
      if (Number.isNaN(input)) throw new Error(`bad input ${options?.tag}`);
      return { output: input * this.scale };
    },
  };
  const timed = timedSession(run, session);
  expect(await timed.run({ input: 3 })).toEqual({ output: 6 });
  await expect(timed.run({ input: Number.NaN }, { tag: "b" })).rejects.toThrow("bad input b");
  expect(await timed.run({ input: 4 })).toEqual({ output: 8 });
  await run.finish();
  const { step, value } = await openStore(store).series(run.id, "infer_ms");
  expect([...step]).toEqual([0, 1, 2]);
  expect([...value].every((each) => typeof each === "number" && each >= 0)).toBe(true);
});
