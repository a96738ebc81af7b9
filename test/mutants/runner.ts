import { appendFileSync } from "node:fs";
import { inject, type RunnerTestCase, TestRunner, type TestTryOptions } from "vitest";

/**
 * Runs a test once as it is, then once more with each of its mutants awake, and again as it is after each that failed:
 * what a mutant leaves behind must not be taken for the work of the next.
 */

declare module "vitest" {
  interface ProvidedContext {
    /** What to judge; absent while the tests are asked which mutants they reach. */
    plan: Plan | undefined;
    /** The path of the file that takes `Line`s. */
    log: string;
  }
}

/** Test id -> the ids of mutants, and how long the test took. */
export type Plan = Readonly<Record<string, { readonly mutants: readonly number[]; readonly millis: number }>>;

/** One line of the log: what a test reached, what is about to be judged, or what came of it. */
export type Line = Came & { readonly test: string; readonly pid: number; readonly limit: number };

type Came =
  | { readonly reached: readonly number[]; readonly millis: number }
  | { readonly begins: number }
  | { readonly mutant: number; readonly came: "survived" | "killed" | "timeout" }
  | { readonly dirty: string };

// As they are, also in a test that puts others in their place.
const { setTimeout, clearTimeout } = globalThis;
const now = performance.now.bind(performance);

let awake = -1;
let reached = new Set<number>();
const dead = new Set<number>();
// Asked by the mutated sources.
globalThis.mutant = (id) => {
  reached.add(id);
  return id === awake;
};

export default class JudgingRunner extends TestRunner {
  private waiting: number[] = [];
  private limit = 0;
  private began = 0;
  private timedOut = false;
  private try: "plain" | "mutant" | "after" | "over" = "plain";

  override async onBeforeRunTask(test: RunnerTestCase): Promise<void> {
    await super.onBeforeRunTask(test);
    const plan = inject("plan");
    const planned = plan?.[test.id];
    if (plan !== undefined && planned === undefined) test.mode = "skip";
    this.waiting = (planned?.mutants ?? []).filter((id) => !dead.has(id));
    this.limit = planned === undefined ? 10_000 : 3_000 + 10 * planned.millis;
    this.try = "plain";
    // Each that fails is followed by a try without a mutant. One that cannot be run twice judges nothing.
    test.repeats = plan === undefined ? 1 : 2 * this.waiting.length;
  }

  override onBeforeTryTask(test: RunnerTestCase, options: TestTryOptions): void {
    super.onBeforeTryTask(test, options);
    test.result = { state: "run", startTime: Date.now(), retryCount: 0, attempts: [] };
    this.timedOut = false;
    this.began = now();
    reached = new Set();
    const next = this.try === "mutant" ? this.waiting[0] : undefined;
    awake = next ?? -1;
    if (next !== undefined) this.write(test, { begins: next });
  }

  async runTask(test: RunnerTestCase): Promise<void> {
    if (this.try === "over") return;
    let stop: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      stop = setTimeout(() => {
        this.timedOut = true;
        reject(new Error(`not done after ${this.limit} ms`));
      }, this.limit);
    });
    await Promise.race([TestRunner.getTestFn(test)(), late]).finally(() => clearTimeout(stop));
  }

  override async onAfterRetryTask(test: RunnerTestCase, options: TestTryOptions): Promise<void> {
    await super.onAfterRetryTask(test, options);
    const passed = test.result?.state === "pass";
    awake = -1;
    if (this.try === "plain" && passed) {
      const millis = now() - this.began;
      this.write(test, { reached: [...reached], millis });
    }
    if (this.try === "mutant") this.judged(test, passed);
    // A test that fails by itself, or after a mutant, says nothing any more.
    else if (!passed) this.stain(test);
    const isAsking = inject("plan") === undefined;
    if (isAsking) this.try = this.try === "plain" ? "after" : "over";
    else if (this.waiting.length === 0) this.try = this.try === "mutant" && !passed ? "after" : "over";
    else this.try = this.try === "mutant" && !passed ? "after" : "mutant";
  }

  private judged(test: RunnerTestCase, passed: boolean): void {
    const mutant = this.waiting.shift() as number;
    if (!passed) dead.add(mutant);
    this.write(test, { mutant, came: passed ? "survived" : this.timedOut ? "timeout" : "killed" });
  }

  private stain(test: RunnerTestCase): void {
    if (this.try === "over" || test.result?.state === "skip") return;
    this.write(test, { dirty: test.result?.errors?.[0]?.message ?? "" });
    this.waiting = [];
  }

  private write(test: RunnerTestCase, came: Came): void {
    const line = { ...came, test: test.id, pid: process.pid, limit: this.limit };
    appendFileSync(inject("log"), `${JSON.stringify(line)}\n`);
  }
}
