import { get, type Json, listAt, textAt } from "./api.ts";
import type { Entry } from "./batches.ts";
import { note, runOf, stateOf, type Work } from "./work.ts";

/**
 * For servers that keep a metric twice when it is sent twice: their file store, or another program. What may be there,
 * because the outcome of a request is not known, is read back, and only the rest is sent.
 */

const page = "10000";

/** The entries without the metrics that the server has. Asks nothing where a database drops what comes again. */
export async function notThere(work: Work, entries: readonly Entry[]): Promise<readonly Entry[]> {
  if (/sql/i.test(await storeType(work))) return entries;
  const rows = entries.map(({ adds: { metric } }) =>
    metric === undefined ? {} : (JSON.parse(metric) as Json),
  );
  const keys = new Set(rows.map((row) => textAt(row, "key")).filter((key) => key !== ""));
  const { open, anew } = stateOf(work);
  const isUnsure = open === true || anew === true;
  if (keys.size > 0) await note(work, { open: true, ...(isUnsure && { note: mayDouble }) });
  if (!isUnsure) return entries;
  const there = new Set<string>();
  for (const key of keys) await readRows(work, key, (row) => there.add(row));
  return entries.map((entry, at) => {
    const { metric: _, ...adds } = entry.adds;
    return there.has(rowOf(rows[at] ?? {})) ? { ...entry, adds } : entry;
  });
}

/** What the server keeps runs in, where it says so (MLflow 3); asked until there is an answer. */
async function storeType(work: Work): Promise<string> {
  const known = stateOf(work).storeType;
  if (known !== undefined) return known;
  const answer = await work.delivery.call({ method: "GET", path: "/api/3.0/mlflow/server-info" });
  const type = answer.class === "ok" ? textAt(answer.json, "store_type") : "";
  if (answer.class !== "retry") await note(work, { storeType: type });
  return type;
}

const mayDouble = "a reply was lost, and this server drops no doubles: metrics may be there twice";

/** Tells the history of a metric, page by page; all at once where a server knows no pages. */
export async function readRows(work: Work, key: string, tell: (row: string) => void): Promise<void> {
  let token = "";
  do {
    const query = { run_id: runOf(work), metric_key: key, max_results: page };
    const reply = await get(work.delivery, "metrics/get-history", {
      ...query,
      ...(token && { page_token: token }),
    });
    if (reply.kind !== "ok") return; // a metric without rows is not known; of a lost run the next request tells
    for (const metric of listAt(reply.json, "metrics")) tell(rowOf({ ...(metric as object), key }));
    token = textAt(reply.json, "next_page_token");
  } while (token !== "");
}

/** What tells a metric from every other, as it comes back: infinities as the largest double, -0 as 0. */
export function rowOf({ key, step = 0, timestamp, value }: Json): string {
  const most = Number.MAX_VALUE;
  const number = Math.max(-most, Math.min(most, Number(value))) + 0;
  return `${key} ${Number(step)} ${Number(timestamp)} ${number}`;
}
