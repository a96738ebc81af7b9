import { isDeepStrictEqual } from "node:util";
import type { OpenedStore } from "runlog";

/** Reads a run back from its server and compares it with what is kept here. */

/** One line of the result. */
export interface Check {
  readonly what: string;
  readonly here: string;
  readonly there: string;
  readonly equal: boolean;
}

/** A series as the server gives it. */
interface ServedSeries {
  readonly step: number[];
  readonly time: number[];
  readonly value: unknown[];
}

/** The run log and every series, here and at the server. */
export async function compare(store: OpenedStore, server: string, run: string): Promise<Check[]> {
  const [here, there] = [plain(await store.runLog(run)), await get(`${server}/v1/runs/${run}`)];
  const checks = [check("run log", here, there, (log) => `${JSON.stringify(log).length} characters`)];
  for (const key of ["loss", "accuracy", "test_accuracy", "confusion"]) {
    const kept = await store.series(run, key);
    const mine = { step: [...kept.step], time: [...kept.time], value: [...kept.value] };
    const served = await get(`${server}/v1/runs/${run}/series?key=${key}`);
    checks.push(check(key, mine, served as ServedSeries, ({ step }) => `${step.length} steps`));
  }
  return checks;
}

/** The checks as lines of a table. */
export function checkTable(checks: readonly Check[]): string[] {
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell) => cell.padEnd(18))
      .join("")
      .trimEnd();
  const rows = checks.map(({ what, here, there, equal }) =>
    line([what, here, there, equal ? "equal" : "DIFFERENT"]),
  );
  return [line(["", "here", "at the server", ""]), ...rows];
}

function check<T>(what: string, here: T, there: T, word: (value: T) => string): Check {
  return { what, here: word(here), there: word(there), equal: isDeepStrictEqual(here, there) };
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

async function get(url: string): Promise<unknown> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return await response.json();
}
