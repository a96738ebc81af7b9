/**
 * Makes small mistakes in the core one at a time, and counts those that the tests notice.
 *
 *     npm run test:mutants [-- --only PART-OF-A-PATH] [--minutes 25]
 *
 * Mutants are taken in a random order (RUNLOG_SEED= repeats it) until the time is over. Fails where less than 95 % of
 * those judged were noticed, not counting those that survivors.ts explains.
 */
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { randomFrom } from "../faults/random.ts";
import { createJudge, type Judge, type Verdict } from "./judge.ts";
import { reportOf } from "./report.ts";

/** So many go through the tests together. */
const groupSize = 400;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { only: { type: "string" }, minutes: { type: "string" } } });
  const seed = Number(process.env.RUNLOG_SEED ?? Date.now() % 1_000_000);
  const until = performance.now() + Number(values.minutes ?? 25) * 60_000;
  console.log(`mutants: RUNLOG_SEED=${seed}`);
  const judge = await createJudge(temporary, values.only ?? "");
  try {
    const verdicts = await judgeUntil(judge, seed, until);
    const { text, passed } = reportOf(judge.mutants, verdicts);
    console.log(text);
    process.exitCode = passed ? 0 : 1;
  } finally {
    await judge.close();
  }
}

async function judgeUntil(judge: Judge, seed: number, until: number): Promise<Map<number, Verdict>> {
  const random = randomFrom(seed);
  const order = Array.from(judge.mutants, (_, id) => ({ id, at: random() })).sort(
    (one, other) => one.at - other.at,
  );
  const verdicts = new Map<number, Verdict>();
  let took = 0;
  for (let from = 0; from < order.length; from += groupSize) {
    const started = performance.now();
    if (started + took > until) break;
    const group = order.slice(from, from + groupSize).map(({ id }) => id);
    for (const [id, verdict] of await judge.judge(group)) verdicts.set(id, verdict);
    took = performance.now() - started;
    console.log(
      `${verdicts.size} of ${order.length} judged, the last ${group.length} in ${Math.round(took / 1_000)} s`,
    );
  }
  return verdicts;
}

// What the tests leave behind goes with this run. In memory where that is to be had: no power is cut here.
const memory = "/dev/shm";
const temporary = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), "runlog-mutants-"));
chmodSync(temporary, 0o755); // some tests look at it as another user
process.env.TMPDIR = temporary;
process.once("exit", () => rmSync(temporary, { recursive: true, force: true, maxRetries: 5 }));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));
await main();
