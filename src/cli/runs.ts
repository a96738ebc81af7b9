import type { Status } from "../model/records.ts";
import type { RunQuery } from "../read/query.ts";
import type { MetricSummary, RunSummary } from "../read/summary.ts";
import { type Command, flag, type Input, textOf, textsOf, UsageError } from "./command.ts";
import { jsonText } from "./json.ts";
import { instant, note, print, printJson, short, table } from "./output.ts";
import { listRuns, withStore } from "./store.ts";
import { parseWhere } from "./where.ts";

const statuses: readonly string[] = [
  "CREATED",
  "TRIGGERED",
  "PROCESSING",
  "SUCCESS",
  "FAIL",
] satisfies Status[];
const metricsShown = 4;

/** `runlog runs`: the runs of a store, newest first. */
export const runs: Command = {
  usage: "runs [--tag T] [--status S] [--where 'parameters.lr>=0.01']... [--sort -best.accuracy] [--json]",
  summary: "list runs, newest first",
  options: {
    tag: { type: "string" },
    status: { type: "string" },
    where: { type: "string", multiple: true },
    sort: { type: "string" },
    json: { type: "boolean" },
  },
  positionals: [0, 0],
  async run(input) {
    const query = queryOf(input);
    const found = await withStore(input.store, (store) => listRuns(store, query));
    if (flag(input, "json")) {
      printJson(jsonText(found));
      return 0;
    }
    for (const line of table(
      ["run", "tag", "status", "started (UTC)", "observations", "metrics"],
      found.map(row),
    )) {
      print(line);
    }
    if (found.length === 0) note(`no such run in ${input.store}`);
    return 0;
  },
};

function queryOf(input: Input): RunQuery {
  const tag = textOf(input, "tag");
  const status = textOf(input, "status")?.toUpperCase();
  const sort = textOf(input, "sort");
  const where = textsOf(input, "where");
  if (status !== undefined && !statuses.includes(status)) {
    throw new UsageError(`--status must be one of ${statuses.join(", ")}, found '${status}'`);
  }
  return {
    ...(tag !== undefined && { tag }),
    ...(status !== undefined && { status: status as Status }),
    ...(sort !== undefined && { sort }),
    ...(where.length > 0 && { where: parseWhere(where) }),
  };
}

function row(summary: RunSummary): string[] {
  const { run, tag, status, started, observations } = summary;
  return [run, tag ?? "", status, instant(started), String(observations), metricsText(summary)];
}

function metricsText({ metrics }: RunSummary): string {
  const all = Object.entries(metrics);
  const shown = all.slice(0, metricsShown).map(([name, metric]) => `${name} ${valueText(metric)}`);
  return shown.join(", ") + (all.length > metricsShown ? `, and ${all.length - metricsShown} more` : "");
}

function valueText({ last, best }: MetricSummary): string {
  return best === undefined || best === last ? short(last) : `${short(last)} (best ${short(best)})`;
}
