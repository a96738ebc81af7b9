import { memoryStore, openStore, type RunReport, runLogStore, startRun } from "runlog";
import { type Serving, serve } from "runlog/server";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Run } from "../../src/client/run.ts";
import { filesystemStore } from "../../src/stores/filesystem/index.ts";
import type { LocalStore } from "../../src/stores/store.ts";
import { count } from "./count.ts";
import { modelled, modelRoot } from "./disk/calls.ts";
import { createMemoryDisk, type MemoryDisk } from "./disk/memory-disk.ts";
import type { DiskCall, Fault } from "./disk/process.ts";
import { linesOf, stepsOf } from "./kept.ts";
import { randomFrom } from "./random.ts";

/**
 * A whole life of a run on a disk in memory, again and again, with the k-th call of the file system failing, for every
 * k: a power cut afterwards shows what is on the disk, and the report was right.
 */

vi.mock("node:fs", async (real) => (await import("./disk/calls.ts")).withModel(await real()));
vi.mock("node:fs/promises", async (real) => (await import("./disk/calls.ts")).withModelAsync(await real()));

beforeAll(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterAll(() => void vi.useRealTimers());

const id = "failing";
const destination = "http-12345678";

/** What fails, and how. */
interface Plan {
  /** The call, counted from 1. */
  readonly k: number;
  readonly fault: Fault;
  /** All calls from then on, until the disk is mended; else this one alone. */
  readonly lasting: boolean;
}

interface Failing {
  readonly disk: MemoryDisk;
  /** Nothing fails any more. */
  mend(): void;
  /** Whether any call failed. */
  readonly failed: boolean;
}

function failingDisk({ k, fault, lasting }: Plan): Failing {
  let calls = 0;
  let mended = false;
  let failed = false;
  const faultOf = ({ kind }: DiskCall): Fault | undefined => {
    calls += 1;
    if (mended || calls < k || (failed && !lasting) || (fault === "short" && kind !== "write"))
      return undefined;
    failed = true;
    return fault;
  };
  return {
    disk: createMemoryDisk({ random: randomFrom(k), fault: faultOf }),
    mend() {
      mended = true;
    },
    get failed() {
      return failed;
    },
  };
}

/** How far `flush()` said "disk", and the run. */
interface Lived {
  readonly run: Run;
  readonly saved: number;
  readonly reports: readonly RunReport[];
}

const steps = 6;

/** Tracks, flushes, ends a task, writes a ledger; nothing here may throw, whatever the disk does. */
async function live(): Promise<Lived> {
  const run = startRun({ runId: id, store: modelRoot, syncTo: [], quiet: true }) as Run;
  const reports: RunReport[] = [];
  let saved = 0;
  for (let step = 0; step < steps; step++) {
    run.track({ loss: step, note: `step ${step}` }, { step });
    if (step === 2) await run.task("evaluate", (task) => task.track({ accuracy: 1 }));
    if (step === 3) await filesystemStore(modelRoot).ledger.setPause(destination, undefined).catch(refused);
    if (step % 2 === 1) {
      const where = await run.flush();
      if (where === "disk") saved = step + 1;
      else reports.push(run.report());
    }
  }
  return { run, saved, reports };
}

/** What it says is for the person who reads it. */
function refused(error: unknown): void {
  expect(error).toMatchObject({ code: expect.stringMatching(/^storage_/) });
  expect(String(error)).toMatch(/free space|check the disk|make it writable|name another|raise the limit/);
}

/** What a new process finds after a power cut that kept only what was flushed. */
async function leftBy({ disk, mend }: Failing): Promise<Record<string, number[]>> {
  mend();
  await disk.restart("drop");
  vi.clearAllTimers();
  return modelled.run(disk.start(), () => stepsOf(openStore(modelRoot), id));
}

/** Each step once, in order, and no fewer than was said. */
function expectKept(found: Record<string, number[]>, saved: number): void {
  const { loss = [], note = [] } = found;
  expect(loss).toEqual(loss.map((_, step) => step));
  expect(note).toEqual(loss);
  expect(loss.length).toBeGreaterThanOrEqual(saved);
}

/** Every call of `life`, with every fault. */
async function eachPlan(life: (failing: Failing, plan: Plan) => Promise<void>): Promise<number> {
  const once = ["EIO", "ENOSPC", "EMFILE", "EROFS", "EACCES"].map((code) => ({
    fault: { code },
    lasting: false,
  }));
  const kinds: Omit<Plan, "k">[] = [...once, ...once.map((each) => ({ ...each, lasting: true }))];
  kinds.push({ fault: "short", lasting: false }, { fault: "short", lasting: true });
  let lives = 0;
  for (const [index, kind] of kinds.entries()) {
    for (let k = 1; ; k++) {
      // In CI each call fails in three of the ways, in turn.
      if (count({ ci: 1, long: 0 }) === 1 && (k + index) % 4 !== 0) continue;
      const failing = failingDisk({ ...kind, k });
      const told = `k=${k} ${JSON.stringify(kind)}`;
      try {
        await modelled.run(failing.disk.start(), () => life(failing, { ...kind, k }));
      } catch (error) {
        throw new Error(`${told}: ${String(error)}`, { cause: error });
      }
      lives += 1;
      if (!failing.failed) break;
    }
  }
  return lives;
}

describe("a call of the file system that fails, whichever it is", () => {
  it("loses nothing that flush() called saved, and the report says why", async () => {
    const lives = await eachPlan(async (failing, { fault }) => {
      const { saved, reports } = await live();
      for (const { storage, problem } of reports) {
        expect(storage).toMatch(/full|memory/);
        expect(problem?.action).toBeTruthy();
        if (typeof fault === "object" && fault.code === "ENOSPC") expect(problem?.message).toContain("full");
      }
      expectKept(await leftBy(failing), saved);
    });
    expect(lives).toBeGreaterThan(150);
  }, 3_600_000);

  it("is got over: once the disk is mended everything is on it, once", async () => {
    await eachPlan(async (failing, { fault, lasting }) => {
      const { run } = await live();
      failing.mend();
      const where = await run.flush();
      const { storage, problem } = await run.finish();
      const forGood = lasting && typeof fault === "object" && /EIO|EROFS|EACCES/.test(fault.code);
      if (forGood && storage === "memory") {
        // The disk was broken or not to be written when the run began: that is in memory, and said so.
        expect(problem?.code).toBe("storage_memory");
        return;
      }
      expect({ where, storage, problem }).toEqual({ where: "disk", storage: "disk", problem: undefined });
      expectKept(await leftBy(failing), steps);
    });
  }, 3_600_000);

  it("in the exit hook loses nothing that flush() called saved, and nothing at all when it fails once", async () => {
    await eachPlan(async (failing, { fault, lasting }) => {
      const { run, saved } = await live();
      const begun = failing.disk.faults;
      Run.core(run).watched.end("SUCCESS", {});
      const failsOnce = !lasting && begun === 0 && typeof fault === "object" && fault.code !== "ENOSPC";
      expectKept(await leftBy(failing), failsOnce ? steps : saved);
    });
  }, 3_600_000);
});

describe("a reader whose k-th call fails", () => {
  const codes = ["EIO", "EMFILE", "EACCES"];
  let server: Serving;
  let kept = memoryStore();
  beforeAll(async () => {
    // Another one for each delivery.
    const store = new Proxy({} as LocalStore, { get: (_, name) => Reflect.get(kept, name) });
    server = await serve({ store, port: 0 });
  });
  afterAll(() => server.close());

  /** A disk with one finished run, in a new process for each reading. */
  const readingEach = async (
    read: (fails: (k: number, code: string) => void) => Promise<void>,
  ): Promise<void> => {
    let plan = { at: Number.POSITIVE_INFINITY, code: "EIO" };
    let calls = 0;
    const fault = (): Fault | undefined => (++calls === plan.at ? { code: plan.code } : undefined);
    const disk = createMemoryDisk({ random: randomFrom(1), fault });
    await modelled.run(disk.start(), async () => {
      const { run } = await live();
      await run.finish();
      await read((k, code) => {
        plan = { at: calls + k, code };
      });
    });
  };

  it("gives the right answer, or an error that says what to do", async () => {
    await readingEach(async (fails) => {
      const right = await stepsOf(openStore(modelRoot), id);
      for (const code of codes) {
        let errors = 0;
        for (let k = 1; k < 20; k++) {
          fails(k, code);
          const read = stepsOf(openStore(modelRoot), id);
          await read.then(
            (found) => expect(found).toEqual(right),
            (error: unknown) => {
              errors += 1;
              refused(error);
            },
          );
        }
        expect(errors).toBeGreaterThan(4);
      }
    });
  });

  it("delivers nothing wrong, and all of it later", async () => {
    await readingEach(async (fails) => {
      const right = await linesOf(openStore(modelRoot), id);
      for (let k = 1; k < 25; k++) {
        kept = memoryStore();
        fails(k, codes[k % codes.length] as string);
        // A pause after a failure lasts until the timeout here: time stands still.
        const options = { timeout: 200 };
        const result = await openStore(modelRoot).sync(runLogStore(server.url), [id], options).catch(refused);
        if (result?.problem !== undefined) expect(result.problem.action).toBeTruthy();
        const sent = await linesOf(runLogStore(server.url), id);
        expect(right.slice(0, sent.length)).toEqual(sent);
        fails(Number.POSITIVE_INFINITY, "");
        await openStore(modelRoot).sync(runLogStore(server.url), [id]);
        expect(await linesOf(runLogStore(server.url), id), `k=${k}`).toEqual(right);
      }
    });
  });
});
