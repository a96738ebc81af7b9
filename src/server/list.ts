import { parseJson } from "../model/json.ts";
import type { Status } from "../model/records.ts";
import { decodeValue } from "../model/value.ts";
import type { RunQuery } from "../read/query.ts";
import { encodeSummary, type SummaryJson } from "../stores/remote-summary.ts";
import type { Store } from "../stores/store.ts";
import { HttpProblem } from "./problem.ts";

/** A page of the list of runs. */
export interface RunsPage {
  readonly runs: readonly SummaryJson[];
  /** Gives the next page; absent on the last. */
  readonly cursor?: string;
}

const statuses: readonly string[] = [
  "CREATED",
  "TRIGGERED",
  "PROCESSING",
  "SUCCESS",
  "FAIL",
] satisfies Status[];
const mostRuns = 1_000;
const usualRuns = 200;

/**
 * One page of runs.
 * @throws {HttpProblem} 400 for a parameter that cannot be
 */
export async function listRuns(store: Store, parameters: URLSearchParams): Promise<RunsPage> {
  const limit = limitOf(parameters.get("limit"));
  const seen = cursorOf(parameters.get("cursor"));
  const runs: SummaryJson[] = [];
  let index = 0;
  for await (const summary of startingAfter(store.runs(queryOf(parameters)), seen)) {
    if (runs.length === limit) return { runs, cursor: `${seen.count + index}.${runs.at(-1)?.run}` };
    runs.push(encodeSummary(summary));
    index += 1;
  }
  return { runs };
}

/** A cursor is the count of runs given so far and the last of them, so that new runs before it shift nothing. */
interface Cursor {
  readonly count: number;
  readonly last: string | undefined;
}

async function* startingAfter<Summary extends { readonly run: string }>(
  summaries: AsyncIterable<Summary>,
  { count, last }: Cursor,
): AsyncGenerator<Summary> {
  if (last === undefined) return yield* summaries;
  const all: Summary[] = [];
  for await (const summary of summaries) all.push(summary);
  const at = all.findIndex(({ run }) => run === last);
  // The run of the cursor was deleted meanwhile: the count is the next best thing.
  yield* all.slice(at < 0 ? count : at + 1);
}

function queryOf(parameters: URLSearchParams): RunQuery {
  const tag = parameters.get("tag");
  const status = parameters.get("status");
  const sort = parameters.get("sort");
  const where = whereOf(parameters.get("where"), parameters.get("where-meta"));
  if (status !== null && !statuses.includes(status)) {
    throw invalid(`'status' must be one of ${statuses.join(", ")}, found '${status.slice(0, 40)}'`);
  }
  return {
    ...(tag !== null && { tag }),
    ...(status !== null && { status: status as Status }),
    ...(sort !== null && { sort }),
    ...(where !== undefined && { where }),
  };
}

/** `where` is JSON, with superjson's `meta` in `where-meta` for what JSON lacks. */
function whereOf(json: string | null, meta: string | null): Record<string, unknown> | undefined {
  if (json === null) return undefined;
  let where: unknown;
  try {
    where = decodeValue(parseJson(json), meta === null ? undefined : parseJson(meta));
  } catch {
    throw invalid("'where' must be JSON");
  }
  if (typeof where === "object" && where !== null && !Array.isArray(where))
    return where as Record<string, unknown>;
  throw invalid(
    '\'where\' must be an object of path and value or condition, as {"parameters.lr":{"gte":0.01}}',
  );
}

function limitOf(text: string | null): number {
  if (text === null) return usualRuns;
  if (!/^\d{1,9}$/.test(text))
    throw invalid(`'limit' must be an integer from 0, found '${text.slice(0, 40)}'`);
  return Math.min(Number(text), mostRuns);
}

function cursorOf(text: string | null): Cursor {
  if (text === null) return { count: 0, last: undefined };
  const found = /^(\d{1,9})\.(.{1,128})$/.exec(text);
  if (found === null) throw invalid("'cursor' must be what the page before gave");
  return { count: Number(found[1]), last: found[2] };
}

function invalid(detail: string): HttpProblem {
  return new HttpProblem(400, { code: "invalid", detail });
}
