/** Asks the tests which mutants they reach, and then which they notice. One worker keeps the sources loaded. */
import { globSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { UserWorkspaceConfig } from "vitest/config";
import { createVitest, type TestSpecification, type Vitest } from "vitest/node";
import config from "../vitest.config.ts";
import { core, judges, others } from "./core.ts";
import { createLog, type Log } from "./log.ts";
import { type Mutant, mutate } from "./mutate.ts";
import { assign, type Reach } from "./nearest.ts";
import type { Plan } from "./runner.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A test that takes longer is not asked about mutants. */
const mostMillis = 1_000;

/** What came of a mutant. A timeout is a test that it kept from ending. */
export type Verdict = "killed" | "timeout" | "survived" | "unreached";

export interface Judge {
  /** By id. */
  readonly mutants: readonly Mutant[];
  /** Judges these; each ends with the first test that fails. */
  judge(ids: readonly number[]): Promise<Map<number, Verdict>>;
  close(): Promise<void>;
}

/** @param folder takes the log  @param wanted a part of the paths of the sources, to judge a few only */
export async function createJudge(folder: string, wanted: string): Promise<Judge> {
  const files = globSync(core, { cwd: root }).filter((file) => file.includes(wanted));
  const sources = new Map<string, string>();
  const mutants: Mutant[] = [];
  for (const file of files.sort()) {
    const mutated = mutate(file, readFileSync(join(root, file), "utf8"), mutants.length);
    sources.set(join(root, file), mutated.source);
    mutants.push(...mutated.mutants);
  }
  const log = createLog(join(folder, "log.jsonl"));
  const vitest = await startVitest(sources, log);
  // One that a mutant holds up hears of nothing.
  process.once("exit", log.end);
  const tests = await askReach(vitest, log);
  const court: Court = { vitest, log, tests, assigned: assign(mutants, tests) };
  return {
    mutants,
    judge: (ids) => judgeAll(court, ids),
    close: () => vitest.close(),
  };
}

/** What judges. */
interface Court {
  readonly vitest: Vitest;
  readonly log: Log;
  /** By id. */
  readonly tests: ReadonlyMap<string, Reach>;
  /** For each stage: test -> its mutants. */
  readonly assigned: ReturnType<typeof assign>;
}

async function startVitest(sources: ReadonlyMap<string, string>, log: Log): Promise<Vitest> {
  const [node] = (config.test?.projects ?? []) as UserWorkspaceConfig[];
  const options = {
    root,
    config: false as const,
    watch: false,
    include: [...judges],
    exclude: [...others],
    runner: fileURLToPath(new URL("runner.ts", import.meta.url)),
    pool: "forks" as const,
    execArgv: ["--no-warnings"],
    isolate: false,
    maxWorkers: 1,
    // A mutant may reject where nobody listens; only a test that fails counts.
    dangerouslyIgnoreUnhandledErrors: true,
    testTimeout: 60_000,
    hookTimeout: 5_000,
    silent: true,
    reporters: [{}],
  };
  const vitest = await createVitest("test", options, {
    resolve: node?.resolve ?? {},
    plugins: [{ name: "mutants", enforce: "pre", transform: (_, id) => sources.get(id) }],
  });
  vitest.provide("log", log.path);
  return vitest;
}

async function askReach(vitest: Vitest, log: Log): Promise<Map<string, Reach>> {
  vitest.provide("plan", undefined);
  const tests = new Map<string, Reach>();
  for (const specification of await vitest.globTestSpecifications()) {
    await vitest.runTestSpecifications([specification]);
    const file = relative(root, specification.moduleId);
    for (const line of log.take()) {
      if ("reached" in line && line.millis <= mostMillis)
        tests.set(line.test, { file, millis: line.millis, reached: new Set(line.reached) });
      if (!("dirty" in line)) continue;
      tests.delete(line.test);
      console.log(
        `a test of ${file} judges nothing, for it fails by itself, or when it runs twice: ${line.dirty}`,
      );
    }
  }
  return tests;
}

async function judgeAll(court: Court, ids: readonly number[]): Promise<Map<number, Verdict>> {
  const { vitest, tests, assigned } = court;
  const verdicts = new Map<number, Verdict>(ids.map((id) => [id, "unreached"]));
  const costs = new Map<string, number>();
  for (const { file, millis } of tests.values()) costs.set(file, Math.max(costs.get(file) ?? 0, millis));
  const cost = ({ moduleId }: TestSpecification): number => costs.get(relative(root, moduleId)) ?? 0;
  const specifications = await vitest.globTestSpecifications();
  specifications.sort((one, other) => cost(one) - cost(other));
  for (const stage of assigned) {
    for (const specification of specifications) await judgeByFile(court, specification, stage, verdicts);
  }
  return verdicts;
}

async function judgeByFile(
  { vitest, log, tests }: Court,
  specification: TestSpecification,
  stage: ReadonlyMap<string, readonly number[]>,
  verdicts: Map<number, Verdict>,
): Promise<void> {
  const file = relative(root, specification.moduleId);
  const asked = new Set<string>();
  const isOpen = (test: string, mutant: number): boolean =>
    ["unreached", "survived"].includes(verdicts.get(mutant) ?? "") && !asked.has(`${test} ${mutant}`);
  for (;;) {
    const plan: Record<string, Plan[string]> = {};
    for (const [id, test] of tests) {
      const mutants = (stage.get(id) ?? []).filter((mutant) => test.file === file && isOpen(id, mutant));
      if (mutants.length > 0) plan[id] = { mutants, millis: test.millis };
    }
    if (Object.keys(plan).length === 0) return;
    vitest.provide("plan", plan);
    const before = asked.size;
    await log.watch(vitest.runTestSpecifications([specification]), (line) => {
      if ("begins" in line) asked.add(`${line.test} ${line.begins}`);
      if ("mutant" in line) verdicts.set(line.mutant, line.came);
    });
    // Else again, for a worker may have been ended in the middle.
    if (asked.size > before) continue;
    console.log(`${file} failed by itself: ${Object.keys(plan).length} tests of it judged nothing more`);
    return;
  }
}
