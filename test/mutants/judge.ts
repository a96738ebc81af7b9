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
import type { Plan } from "./runner.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A test that takes longer is not asked about mutants. */
const mostMillis = 2_500;

/** What came of a mutant. A timeout is a test that it kept from ending. */
export type Verdict = "killed" | "timeout" | "survived" | "unreached";

/** A test as it ran without a mutant. */
interface Reach {
  readonly file: string;
  readonly millis: number;
  readonly reached: ReadonlySet<number>;
}

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
  const tests = await askReach(vitest, log);
  return {
    mutants,
    judge: (ids) => judgeAll(vitest, log, tests, ids),
    close: () => vitest.close(),
  };
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
      if ("dirty" in line) console.log(`left out, for it fails without a mutant: ${file}: ${line.dirty}`);
      if (!("reached" in line) || line.millis > mostMillis || line.reached.length === 0) continue;
      tests.set(line.test, { file, millis: line.millis, reached: new Set(line.reached) });
    }
  }
  return tests;
}

async function judgeAll(
  vitest: Vitest,
  log: Log,
  tests: ReadonlyMap<string, Reach>,
  ids: readonly number[],
): Promise<Map<number, Verdict>> {
  const verdicts = new Map<number, Verdict>(ids.map((id) => [id, "unreached"]));
  const specifications = await vitest.globTestSpecifications();
  const costs = new Map<string, number>();
  for (const { file, millis } of tests.values()) costs.set(file, Math.max(costs.get(file) ?? 0, millis));
  const cost = ({ moduleId }: TestSpecification): number => costs.get(relative(root, moduleId)) ?? 0;
  for (const specification of specifications.sort((one, other) => cost(one) - cost(other))) {
    const file = relative(root, specification.moduleId);
    const own = [...tests].filter(([, test]) => test.file === file);
    const asked = new Set<string>();
    // Again after a worker that had to be ended.
    for (
      let plan = planOf(own, asked, verdicts);
      Object.keys(plan).length > 0;
      plan = planOf(own, asked, verdicts)
    ) {
      vitest.provide("plan", plan);
      const before = asked.size;
      await log.watch(vitest.runTestSpecifications([specification]), (line) => {
        if ("begins" in line) asked.add(`${line.test} ${line.begins}`);
        if ("mutant" in line) verdicts.set(line.mutant, line.came);
      });
      if (asked.size === before) throw new Error(`${file} judges nothing: does it fail by itself?`);
    }
  }
  return verdicts;
}

function planOf(
  tests: readonly (readonly [string, Reach])[],
  asked: ReadonlySet<string>,
  verdicts: ReadonlyMap<number, Verdict>,
): Plan {
  const isOpen = (id: number): boolean => ["unreached", "survived"].includes(verdicts.get(id) ?? "");
  const plan: Record<string, Plan[string]> = {};
  for (const [id, { millis, reached }] of tests) {
    const mutants = [...reached].filter((mutant) => isOpen(mutant) && !asked.has(`${id} ${mutant}`));
    if (mutants.length > 0) plan[id] = { mutants, millis };
  }
  return plan;
}
