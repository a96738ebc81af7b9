import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TaskRecord } from "../../src/model/records.ts";
import type { Segment } from "../../src/model/segment-line.ts";
import { nameOfPath } from "../../src/model/task-path.ts";
import { foldSegments } from "../../src/read/fold.ts";
import { runLog, runLogJson } from "../../src/read/run-log.ts";
import type { RunState } from "../../src/read/state.ts";
import { needs } from "../env/find.ts";
import { finish, metrics, observe, run, runId, segment, t0, task } from "../read/segments.ts";
import { askMagnus, pythonJson, type Tagged, type Tracked } from "./ask-magnus.ts";
import {
  crashes,
  renamings,
  stepsByKey,
  type Tracking,
  takenByMagnus,
  valueAsRunlog,
} from "./magnus-differences.ts";

const here = needs("magnus");
const sequences = 200;

function fold(segments: readonly Segment[]): RunState {
  const state = foldSegments(segments);
  if (state === undefined) throw new Error("no run");
  return state;
}

/** The sequence as runlog keeps it: one writer, three observations a segment. */
function tracked(sequence: readonly Tracking[]): RunState {
  const segments = [segment(1, 0, [run()])];
  for (let at = 0; at < sequence.length; at += 3) {
    segments.push(segment(1, segments.length, sequence.slice(at, at + 3).map(observe)));
  }
  return fold(segments);
}

/** The text of main's metrics within the text of the run log. */
function metricsText(state: RunState): string {
  const text = runLogJson(state);
  const from = text.indexOf('\n            "user_defined_metrics": ');
  const to = text.indexOf(',\n            "branches": ', from);
  return text.slice(text.indexOf("{", from), to);
}

async function trackedByMagnus(all: readonly (readonly Tracking[])[]): Promise<Tracked[]> {
  const track = all.map((sequence) => sequence.map(({ key, step, value }) => [key, step, value]));
  return askMagnus<Tracked[]>(pythonJson({ track }));
}

/** magnus's metrics with the named differences of values taken out. */
function expected(answer: Tagged, taken: readonly Tracking[]): Tagged {
  const steps = stepsByKey(taken);
  const { pairs } = answer as { readonly pairs: readonly (readonly [string, Tagged])[] };
  return {
    pairs: pairs.map(([key, value]) => {
      if (steps.get(key)?.size === 1) return [key, valueAsRunlog(value)];
      const inner = (value as { readonly pairs: readonly (readonly [string, Tagged])[] }).pairs;
      return [key, { pairs: inner.map(([step, item]) => [step, valueAsRunlog(item)]) }];
    }),
  };
}

/**
 * Compares what magnus and runlog make of each sequence.
 * @returns the names of the differences that were met, and how many sequences magnus survived
 */
async function compare(
  all: readonly (readonly Tracking[])[],
): Promise<{ met: Set<string>; compared: number }> {
  const met = new Set<string>();
  const answers = await trackedByMagnus(all);
  const takens = all.map(takenByMagnus);
  const comparable = (index: number): boolean => "metrics" in (answers[index] as Tracked);
  const read = takens.map((taken, index) => (comparable(index) ? metricsText(tracked(taken)) : "{}"));
  const ours = await askMagnus<Tagged[]>(JSON.stringify({ read }));
  all.forEach((sequence, index) => {
    const [answer, taken] = [answers[index] as Tracked, takens[index] as Tracking[]];
    const place = `sequence ${index}: ${pythonJson(sequence)}`;
    for (const { name, hits } of renamings) if (sequence.some(({ key }) => hits(key))) met.add(name);
    const dying = crashes.filter((crash) => crash.hits(sequence, taken));
    if ("error" in answer) {
      const named = dying.filter(({ error }) => error.test(answer.error));
      expect(named, `${place} kills magnus with ${answer.error}`).not.toEqual([]);
      for (const { name } of named) met.add(name);
    } else {
      expect(dying, `${place} was to kill magnus`).toEqual([]);
      expect(ours[index], place).toEqual(expected(answer.metrics, taken));
    }
    keepsAll(sequence, place);
  });
  return { met, compared: answers.filter((answer) => "metrics" in answer).length };
}

/** Whatever magnus does, runlog's log holds every key and every step under its own name. */
function keepsAll(sequence: readonly Tracking[], place: string): void {
  const found = runLog(tracked(sequence)).steps.main?.user_defined_metrics ?? {};
  for (const [key, steps] of stepsByKey(sequence)) {
    expect(Object.hasOwn(found, key), `${place} keeps '${key}'`).toBe(true);
    if (steps.size === 1 && steps.has(0)) continue;
    const kept = Object.keys(found[key] as object).map(Number);
    expect(new Set(kept), `${place} keeps the steps of '${key}'`).toEqual(steps);
  }
}

const anyNumber = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(0, -0, 42, 1e21, 1e16, 1e-7, 5e-324, 2 ** 53),
);
const anyValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: anyNumber },
  { weight: 2, arbitrary: fc.oneof(fc.boolean(), fc.constant(null), fc.string({ unit: "grapheme" })) },
  { weight: 1, arbitrary: fc.constantFrom("NaN", "42", "true", "\ud800", "a\0b", "a\nb") },
  { weight: 2, arbitrary: fc.array(fc.oneof(anyNumber, fc.string(), fc.boolean()), { maxLength: 4 }) },
  { weight: 2, arbitrary: fc.dictionary(fc.constantFrom("0", "1", "ham", "é"), anyNumber, { maxKeys: 3 }) },
);
const plainKey = fc.constantFrom(
  "loss",
  "a b",
  "a.b",
  "a/b",
  "ключ",
  "日本",
  "😀",
  "a_step_3",
  "0",
  'a"b',
  "%",
);
const oddKey = fc.constantFrom("Loss", "ÉTÉ", "loss_STEP_3", "loss_STEP_x", "a=b", "step");
const anyKey = fc.oneof({ weight: 30, arbitrary: plainKey }, { weight: 1, arbitrary: oddKey });
const anyStep = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  fc.integer({ min: -2, max: 5 }),
  fc.maxSafeInteger(),
);
const anyTracking = (key: fc.Arbitrary<string>): fc.Arbitrary<Tracking> =>
  fc.record({ key, step: anyStep, value: anyValue });
const anySequence = fc.array(anyTracking(anyKey), { maxLength: 25 });

function withStepZero(sequence: readonly Tracking[]): Tracking[] {
  const keys = [...stepsByKey(sequence).keys()];
  return [...keys.map((key) => ({ key, step: 0, value: key.length })), ...sequence];
}

describe.skipIf(!here)("real magnus 0.5.1", () => {
  test(`makes the same metrics of ${sequences} random sequences, but for the named differences`, async () => {
    const { RUNLOG_TEST_SEED: asked = Date.now() % 2 ** 31 } = process.env;
    const seed = Number(asked);
    process.stderr.write(`random sequences of seed ${seed} (RUNLOG_TEST_SEED=${seed} repeats them)\n`);
    const half = { seed, numRuns: sequences / 2 };
    // A key at one step only is what magnus dies of most often: in half of them every key has its step 0 as well.
    const some = fc.sample(anySequence, half);
    const others = fc.sample(fc.array(anyTracking(plainKey), { maxLength: 25 }), half).map(withStepZero);
    const { compared } = await compare([...some, ...others]);
    expect(compared).toBeGreaterThanOrEqual(sequences / 2);
  });

  test("differs in exactly what the list names, each shown by one sequence", async () => {
    const one = (key: string, step = 0, value: unknown = 1): Tracking => ({ key, step, value });
    const { met } = await compare([
      [one("Loss"), one("loss", 1, 2)],
      [one("Loss"), one("loss", 0, 2), one("Loss", 0, 3)],
      [one("a_STEP_3", 1), one("a")],
      [one("step")],
      [one("a=b")],
      [one("a_STEP_b")],
      [one("a", 5)],
      [one("a", -1), one("b")],
    ]);
    expect(met).toEqual(new Set([...renamings, ...crashes].map(({ name }) => name)));
  });

  test("gives the examples of its own page as runlog does", async () => {
    const at = (key: string, value: unknown, step = 0): Tracking => ({ key, step, value });
    const values = [at("spam", "hello"), at("eggs", { ham: "world" }), at("answer", 42)];
    const steps = [
      at("spam", "hello"),
      at("eggs", { ham: "world" }),
      at("spam", "hey", 1),
      at("eggs", { ham: "universe" }, 1),
      at("answer", 42),
      at("is_it_true", false),
    ];
    expect(await compare([values, steps])).toEqual({ met: new Set(), compared: 2 });
  });

  const whole = [
    run({
      tag: "digits",
      parameters: { lr: { json: 0.1 }, big: { json: "10", meta: { values: ["bigint"] } } },
      code: [{ code_identifier: "793b052", code_identifier_type: "git", code_identifier_dependable: false }],
      host: { name: "node", version: "24" },
      labels: { team: "rød" },
    }),
    metrics("loss", [0.5, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e21, 5e-324]),
    ...[3, 1, 0].map((step) => observe({ key: "1", step, value: step })),
    observe({ key: "only five", step: 5, value: { "2": 1, "1": [null, "é\u2028\ud800", new Date(0)] } }),
    task("evaluate", "PROCESSING"),
    task("evaluate", "FAIL", { time: t0 + 90_000_001, message: "no 'luck'\n" }),
    task("a.b %", "PROCESSING", { attempt: 2 }),
    { type: "artifact", name: "m.bin", task: "evaluate", time: t0, stage: "put", sha256: "ab", size: 1 },
    { type: "parameter", name: "lr", json: 0.2, time: t0 + 1 },
    { type: "lost", reason: "full", count: 3 },
  ];

  const at = (path: string[], status: TaskRecord["status"], fields: Partial<TaskRecord> = {}): TaskRecord =>
    task(nameOfPath(path), status, { ...(path.length > 1 && { path }), ...fields });
  const nested = [
    ...whole,
    at(["fan"], "PROCESSING", { kind: "parallel", time: t0, micros: 7 }),
    at(["fan", "0.1"], "PROCESSING"),
    at(["fan", "0.1", "train"], "PROCESSING"),
    observe({ key: "loss", step: 2, value: 0.5, task: "fan.0%2E1.train" }),
    at(["fan", "0.1", "train"], "FAIL", { message: "no", time: t0 + 3, micros: 999 }),
    at(["fan", "0.1"], "FAIL", { time: t0 + 4 }),
    at(["fan", "é", "deep", "er", "est"], "SUCCESS", { attempt: 0, mock: true }),
    at(["fan"], "FAIL", { time: t0 + 9, micros: 3 }),
  ];

  test.each<[string, object[]]>([
    ["still at work", whole],
    ["with branches", nested],
    ["that ended with branches", [...nested, finish("FAIL")]],
    ["that succeeded", [...whole, finish()]],
    ["that failed", [...whole, finish("FAIL", { signal: "SIGTERM", message: "told to stop" })]],
    ["of which nothing was tracked", [run()]],
    [
      "with a series that is a sample",
      [run(), metrics("loss", Array.from({ length: 100_001 }, Math.random)), finish()],
    ],
  ])("loads the run log of a run %s, whole, and dumps it back equal", async (_, records) => {
    const folder = await mkdtemp(join(tmpdir(), "runlog-oracle-"));
    try {
      await writeFile(join(folder, `${runId}.json`), runLogJson(fold([segment(1, 0, records)])));
      const answer = await askMagnus<{ equal: boolean; before: string; after: string }>(
        JSON.stringify({ load: [folder, runId] }),
      );
      if (!answer.equal) expect(answer.after).toBe(answer.before);
      expect(answer.equal).toBe(true);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
