import { runLogJson } from "../read/run-log.ts";
import { type RunSummary, summarize } from "../read/summary.ts";
import type { LocalStore } from "../stores/store.ts";
import { destinationName } from "../sync/courier.ts";
import { argument, type Command, flag } from "./command.ts";
import { jsonText } from "./json.ts";
import {
  bold,
  coloured,
  dim,
  duration,
  instant,
  type Line,
  print,
  printJson,
  short,
  table,
} from "./output.ts";
import { standingsOf } from "./standing.ts";
import { readRun, withStore } from "./store.ts";

const longest = 200;

/** `runlog show`: one run, its parameters, metrics and where it stands. */
export const show: Command = {
  usage: "show RUN [--json]",
  summary: "print a run: status, parameters, metrics and destinations; with --json its run log",
  options: { json: { type: "boolean" } },
  positionals: [1, 1],
  async run(input) {
    const state = await readRun(input.store, argument(input, 0));
    if (flag(input, "json")) {
      printJson(runLogJson(state, { full: true }));
      return 0;
    }
    const summary = summarize(state);
    const destinations = await withStore(input.store, (store) => destinationRows(store, summary));
    for (const line of head(summary)) print(line);
    section("parameters", parameterRows(summary));
    section("labels", Object.entries(summary.labels));
    section("metrics", metricRows(summary), [
      "metric",
      "last",
      "at step",
      "min",
      "max",
      "best",
      "observations",
    ]);
    section("destinations", destinations, ["kind", "url", "delivered", "pending", "set aside", ""]);
    return 0;
  },
};

function head(summary: RunSummary): Line[] {
  const { run, tag, status, signal, started, ended, updated, uid } = summary;
  const end = ended === undefined ? `last heard of ${instant(updated)}` : `took ${duration(ended - started)}`;
  return [
    [bold(run), "  ", coloured(status), signal === undefined ? "" : ` (${signal})`],
    [dim(`uid ${uid}`)],
    ...(tag === undefined ? [] : [`tag ${tag}`]),
    `started ${instant(started)} UTC, ${end}`,
    `${summary.observations} observations by ${summary.writers.length} writers`,
  ];
}

/** Prints rows under a title; nothing when there is no row. */
function section(title: string, rows: readonly (readonly string[])[], heading?: readonly string[]): void {
  if (rows.length === 0) return;
  print("");
  const lines = table(heading ?? [title, ""], rows);
  for (const line of lines) print(line);
}

function parameterRows({ parameters }: RunSummary): string[][] {
  return Object.entries(parameters).map(([name, value]) => [
    name,
    cut(typeof value === "string" ? value : jsonText(value, 0)),
  ]);
}

/** Long values are whole in `--json`. */
function cut(text: string): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

function metricRows({ metrics }: RunSummary): string[][] {
  return Object.entries(metrics).map(([name, metric]) => {
    const { last, lastStep, min, max, best, bestStep, count } = metric;
    const bestText = best === undefined ? "" : `${short(best)} at ${bestStep}`;
    return [name, short(last), String(lastStep), short(min), short(max), bestText, String(count)];
  });
}

async function destinationRows(store: LocalStore, summary: RunSummary): Promise<string[][]> {
  const rows: string[][] = [];
  for (const name of summary.destinations) {
    const [standing] = await standingsOf(store, destinationName(name), [summary]);
    if (standing === undefined) continue;
    const { delivered, pending, setAside, parked } = standing;
    const word =
      parked === undefined ? (pending === 0 ? "all there" : "") : `${parked.message} (${parked.action})`;
    rows.push([name.kind, name.url, String(delivered), String(pending), String(setAside), word]);
  }
  return rows;
}
