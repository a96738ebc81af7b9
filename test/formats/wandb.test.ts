import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openStore, type Row, type Run, type RunOptions, resumeRun, startRun, trackRun } from "runlog";
import { afterAll, describe, expect, test, vi } from "vitest";
import { wandbFiles } from "../../src/formats/wandb/index.ts";
import { transactionLog } from "../../src/formats/wandb/transaction-log.ts";
import { crc32 } from "../../src/model/crc32.ts";
import { cli, temporaryFolder } from "../cli/cli.ts";
import { needs } from "../env/find.ts";
import { count } from "../faults/count.ts";
import { randomFrom } from "../faults/random.ts";
import {
  inspect,
  inspectSummary,
  type Read,
  readByPython,
  sizesByPython,
  wouldSync,
} from "./wandb-readers.ts";

/** Runs as offline runs of W&B, in the hands of W&B's own programs. */

// Python starts several times in each, on a machine that may have other work.
vi.setConfig({ testTimeout: 180_000 });

const folder = temporaryFolder();
const store = folder.path("store");
const out = folder.path("wandb");
afterAll(folder.remove);

type Observation = readonly [key: string, step: unknown, value: unknown];

/** What was tracked, as each reader should say it. */
async function tracked(run: string, say: (value: unknown) => unknown): Promise<Observation[]> {
  const opened = openStore(store);
  const rows = await opened.rows(run).finally(() => opened.close());
  return sorted(rows.map((row) => [nameOf(row), row.step, say(row.value)]));
}

const nameOf = ({ task, key }: Row): string => (task === "main" ? key : `${task}/${key}`);
/** Values as JSON has them: the reader in Python loses nothing. */
const exact = (value: unknown): unknown =>
  typeof value === "number" ? value : JSON.parse(JSON.stringify(value));
/** `wandb leet inspect` says NaN and ±Infinity as text, and -0 as 0. */
const blurred = (value: unknown): unknown =>
  typeof value !== "number" ? exact(value) : Number.isFinite(value) ? value + 0 : String(value);

/** What a reader found in the history, without W&B's own columns; the step is `_step`, or `step` where that counts. */
function found({ history, metrics }: Read): Observation[] {
  const counted = Object.keys(metrics).length > 0;
  return sorted(
    history.flatMap((row) => {
      const { _step, _timestamp, _runtime, step, ...values } = row;
      expect([typeof _step, typeof _timestamp, typeof _runtime]).toEqual(["number", "number", "number"]);
      const shown = counted || step === undefined ? values : { ...values, step };
      return Object.entries(shown).map(([key, value]): Observation => [key, counted ? step : _step, value]);
    }),
  );
}

function sorted(observations: readonly Observation[]): Observation[] {
  const keyed = observations.map((each) => [JSON.stringify(each), each] as const);
  return keyed.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

/** `_step` is no less than 0 and grows. */
function expectGrowing({ history }: Read): void {
  const steps = history.map(({ _step }) => _step as number);
  expect(steps.filter((step, index) => step <= (steps[index - 1] ?? -1))).toEqual([]);
}

const options = (more: RunOptions): RunOptions => ({ store, syncTo: [], ...more });

/** Tracks a run. */
async function tracking(more: RunOptions, body: (run: Run) => unknown): Promise<string> {
  return await trackRun(options(more), async (run) => {
    await body(run);
    return run.id;
  });
}

/** Exports a run with the command line. */
async function exported(run: string): Promise<{ directory: string; notes: string }> {
  const before = existsSync(out) ? readdirSync(out) : [];
  const { code, stdout, stderr } = await cli([
    "export",
    run,
    "--as",
    "wandb",
    "--out",
    out,
    "--store",
    store,
  ]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  const [made = "nothing"] = readdirSync(out).filter((name) => !before.includes(name));
  expect(made).toMatch(/^offline-run-\d{8}_\d{6}-[0-9a-f]{32}$/);
  return { directory: join(out, made), notes: stderr };
}

function bothReaders(directory: string): Promise<[inspected: Read, byPython: Read]> {
  return Promise.all([inspect(directory), readByPython(directory)]);
}

describe.skipIf(!needs("wandb") || !needs("wandb-old"))("an export for W&B", () => {
  test("of a training is read back by both readers, and wandb sync would take it", async () => {
    const parameters = { lr: 0.01, layers: [64, 10], optimizer: "adam" };
    const labels = { team: "vision", long: "x".repeat(80) };
    const run = await tracking({ tag: "digits", parameters, labels }, (going) => {
      for (let step = 0; step < 100; step++)
        going.track({ loss: 1 / (step + 1), accuracy: 1 - 1 / (step + 2) }, { step });
    });
    const { directory, notes } = await exported(run);
    const [inspected, byPython] = await bothReaders(directory);
    const reads: [Read, Observation[]][] = [
      [inspected, await tracked(run, blurred)],
      [byPython, await tracked(run, exact)],
    ];
    for (const [read, wanted] of reads) {
      expect(read.kinds).toEqual(["header", "run", "files", "history", "summary", "exit"]);
      expect(read.run).toMatchObject({ project: "digits", display_name: run, tags: ["team=vision"] });
      expect(read.run.notes).toBe(`long=${labels.long}`);
      expect(read.config).toEqual({ _wandb: {}, ...parameters });
      expect(read.history).toHaveLength(100);
      expectGrowing(read);
      expect(found(read)).toEqual(wanted);
      expect(read.summary).toMatchObject({ loss: 0.01, accuracy: 1 - 1 / 101, _step: 99 });
      expect([read.exit, read.metrics]).toEqual([0, {}]);
    }
    expect(await inspectSummary(directory)).toMatchObject({
      ...{ state: "finished", exit_code: 0, step: 99, project: "digits", name: run, config: parameters },
      summary: { loss: 0.01, accuracy: 1 - 1 / 101 },
    });
    expect(await wouldSync(directory)).toMatch(/Would sync 1 run\(s\):\s.*\.wandb/);
    expect(notes).toContain("labels too long for a tag, which are in the notes: long");
    const log = JSON.parse(readFileSync(join(directory, "files", "run-log.json"), "utf8"));
    expect(log).toMatchObject({ run_id: run, status: "SUCCESS", parameters });
    const again = await cli(["export", run, "--as", "wandb", "--out", out, "--store", store]);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("exist")]);
  });

  test("of odd values, keys, steps and tasks is read back by both readers", async () => {
    const parameters = {
      lr: Number.NaN,
      top: Number.POSITIVE_INFINITY,
      zero: -0,
      "a.b/c": 1,
      deep: { a: [1, null] },
    };
    const run = await tracking({ tag: "a/b", parameters: { ...parameters, _wandb: 1 } }, async (going) => {
      const odd = {
        nan: Number.NaN,
        up: Number.POSITIVE_INFINITY,
        down: Number.NEGATIVE_INFINITY,
        minus: -0,
      };
      going.track(
        { ...odd, big: 1e308, least: 5e-324, "größe/ж.日本": 1, "a.b": 2, "a\\.b": 3, __proto: 4 },
        { step: -7 },
      );
      going.track(
        { deep: { a: { b: [1, { c: null }] }, e: {} }, list: [], no: null, yes: true },
        { step: 3 },
      );
      going.track({ text: 'a "q"\n\u2028😀', large: "z".repeat(100_000), when: new Date(0) }, { step: 2 });
      for (let time = 0; time < 3; time++) going.track({ again: time }, { step: 1 });
      going.track({ far: 1 }, { step: Number.MAX_SAFE_INTEGER });
      await going.task("evaluate", (task) => task.track({ nan: 1 }, { step: -7 }));
      await going.task("fan.out", (task) =>
        task.parallel({ one: (branch) => branch.task("fit", (inner) => inner.track({ loss: 1 })) }),
      );
    });
    const { directory, notes } = await exported(run);
    const [inspected, byPython] = await bothReaders(directory);
    const reads: [Read, (value: unknown) => unknown][] = [
      [inspected, blurred],
      [byPython, exact],
    ];
    for (const [read, say] of reads) {
      expectGrowing(read);
      expect(found(read)).toEqual(await tracked(run, say));
      expect(read.history.map(({ _step }) => _step)).toEqual(read.history.map((_, index) => index));
      expect(read.metrics).toMatchObject({
        nan: "step",
        "a\\.b": "step",
        "fan%2Eout\\.one\\.fit/loss": "step",
      });
      const { deep, ...numbers } = parameters;
      const said = Object.entries(numbers).map(([name, value]) => [name, say(value)]);
      expect(read.config).toEqual({ _wandb: {}, _wandb_: 1, deep, ...Object.fromEntries(said) });
      expect(read.run.project).toBe("a_b");
      expect(read.summary).toMatchObject({
        nan: say(Number.NaN),
        minus: say(-0),
        again: 2,
        no: null,
        list: [],
      });
    }
    for (const word of ["'a_b'", "'_step' counts the rows", "text: when", "evaluate, fan"])
      expect(notes).toContain(word);
  });

  test("keeps keys apart that W&B reserves or that meet, and says so", async () => {
    const run = await tracking({}, async (going) => {
      going.track({ _step: 5, _timestamp: 6, step: 1, "a/b": 7 }, { step: 2 });
      await going.task("a", (task) => task.track({ b: 8 }, { step: 2 }));
    });
    const { directory, notes } = await exported(run);
    for (const read of await bothReaders(directory)) {
      const { _runtime, _timestamp, ...row } = read.history[0] ?? {};
      expect(row).toEqual({ _step: 2, _step_: 5, _timestamp_: 6, step: 1, "a/b": 7, "a/b_": 8 });
      expect(read.run.project).toBe("uncategorized");
    }
    expect(notes).toContain("_step (now _step_)");
  });

  test("tells how a run ended: empty, failed, changed, or still going", async () => {
    const empty = await exported(await tracking({}, () => undefined));
    for (const read of await bothReaders(empty.directory)) {
      expect([read.history, read.summary, read.exit]).toEqual([[], {}, 0]);
      expect(read.config).toEqual({ _wandb: {} });
    }
    const diverging = tracking({ runId: "failing" }, () => {
      throw new Error("diverged");
    });
    await expect(diverging).rejects.toThrow("diverged");
    const failed = await exported("failing");
    expect(await inspectSummary(failed.directory)).toMatchObject({ state: "failed", exit_code: 1 });
    expect(await readByPython(failed.directory)).toMatchObject({ exit: 1, run: { notes: "diverged" } });

    await tracking({ runId: "changed", parameters: { lr: 0.1, batch: 32 } }, () => undefined);
    const resumed = await resumeRun(options({ runId: "changed", parameters: { lr: 0.2, batch: 32 } }));
    await resumed.finish();
    const changed = await exported("changed");
    for (const read of await bothReaders(changed.directory))
      expect(read.config).toEqual({ _wandb: {}, lr: 0.2, batch: 32 });
    expect(changed.notes).toContain("config shows the last value only: lr\n");

    const going = startRun(options({ runId: "going" }));
    going.track({ loss: 1 });
    await going.flush();
    const open = await exported("going");
    await going.finish();
    for (const read of await bothReaders(open.directory)) expect(read.exit).toBeUndefined();
    expect(open.notes).toContain("the run has not ended");
  });

  test("of 100,000 observations is read back whole", async () => {
    const run = await tracking({}, (going) => {
      for (let step = 0; step < 50_000; step++)
        going.track({ loss: Math.sin(step), noise: step % 7 }, { step });
    });
    const { directory } = await exported(run);
    const wanted = await tracked(run, exact);
    expect(wanted).toHaveLength(100_000);
    // One assertion on a text: a difference of two lists this long is never printed.
    for (const read of await bothReaders(directory)) {
      expectGrowing(read);
      expect(JSON.stringify(found(read)) === JSON.stringify(wanted)).toBe(true);
    }
  });

  test("has blocks as W&B's reader wants them, wherever a record ends", async () => {
    const seed = Number(process.env.RUNLOG_SEED ?? Date.now() % 1e9);
    const random = randomFrom(seed);
    // After the opening of 7 bytes a record of this length fills a block to `rest` bytes.
    const first = Array.from({ length: 16 }, (_, rest) => [32_768 - 14 - rest, 0, 1, 5]);
    const some = Array.from({ length: count({ ci: 20, long: 200 }) }, () =>
      Array.from({ length: 30 }, () => Math.floor(random() ** 3 * 100_000)),
    );
    const wanted: (readonly [crc: number, length: number])[][] = [];
    const files = [...first, ...some].map((lengths, index) => {
      const records = lengths.map((length) => Uint8Array.from({ length }, () => random() * 256));
      wanted.push(records.map((record) => [crc32(record), record.length]));
      const file = folder.path(`${index}.wandb`);
      writeFileSync(file, Buffer.concat([...transactionLog(records)]));
      return file;
    });
    expect(await sizesByPython(files), `RUNLOG_SEED=${seed}`).toEqual(wanted);
  });
});

test("wandbFiles says which run a store does not hold", async () => {
  const opened = openStore(store);
  await expect(wandbFiles(opened, "nobody")).rejects.toMatchObject({ code: "not_found" });
  await opened.close();
});
