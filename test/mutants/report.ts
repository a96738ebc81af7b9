import type { Verdict } from "./judge.ts";
import type { Mutant } from "./mutate.ts";
import { explained } from "./survivors.ts";

/** The share of mutants that must be noticed, of those that could be. */
const bar = 0.95;

interface Count {
  all: number;
  killed: number;
  explained: number;
}

/** The table by file, the survivors, and whether the tests passed. */
export function reportOf(
  mutants: readonly Mutant[],
  verdicts: ReadonlyMap<number, Verdict>,
): { text: string; passed: boolean } {
  const counts = new Map<string, Count>();
  const total: Count = { all: 0, killed: 0, explained: 0 };
  const open: string[] = [];
  const met = new Set<string>();
  for (const [id, verdict] of [...verdicts].sort(([one], [other]) => one - other)) {
    const { file, line, key } = mutants[id] as Mutant;
    const killed = verdict === "killed" || verdict === "timeout";
    const reason = Object.keys(explained).find((pattern) => matches(pattern, key));
    if (reason !== undefined && !killed) met.add(reason);
    const own = counts.get(file) ?? { all: 0, killed: 0, explained: 0 };
    counts.set(file, own);
    for (const count of [own, total]) {
      count.all += 1;
      if (killed) count.killed += 1;
      else if (reason !== undefined) count.explained += 1;
    }
    if (!killed && reason === undefined) open.push(`${file}:${line} ${verdict}\n    ${key}`);
  }
  const passed = shareOf(total) >= bar;
  const rows = [...counts, ["all", total] as const].map(([file, count]) => rowOf(file, count));
  const idle = verdicts.size < mutants.length ? [] : Object.keys(explained).filter((key) => !met.has(key));
  return {
    passed,
    text: [
      "mutants  killed  explained  share  file",
      ...rows,
      ...(open.length > 0 ? ["", `${open.length} survived without an explanation:`, ...open] : []),
      ...(idle.length > 0 ? ["", "explained, but noticed or gone:", ...idle] : []),
      "",
      `${percent(verdicts.size / mutants.length)} of ${mutants.length} mutants judged; ` +
        `${percent(total.killed / total.all)} killed, ${percent(shareOf(total))} of those not explained` +
        (passed ? "" : `: less than ${percent(bar)}`),
    ].join("\n"),
  };
}

function matches(pattern: string, key: string): boolean {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(key);
}

function shareOf({ all, killed, explained }: Count): number {
  return all === explained ? 1 : killed / (all - explained);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function rowOf(file: string, count: Count): string {
  const numbers = [count.all, count.killed, count.explained].map(String);
  const [all = "", killed = "", known = ""] = numbers;
  return `${all.padStart(7)} ${killed.padStart(7)} ${known.padStart(10)} ${percent(shareOf(count)).padStart(8)}  ${file}`;
}
