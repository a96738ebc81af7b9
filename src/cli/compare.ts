import { mainTask } from "../model/observation.ts";
import type { RunState } from "../read/state.ts";
import { goalOf, type MetricSummary, type RunSummary, summarize } from "../read/summary.ts";
import { type Command, flag, UsageError } from "./command.ts";
import { jsonText } from "./json.ts";
import { print, printJson, short, table } from "./output.ts";
import { readRun } from "./store.ts";

/** `runlog compare`: runs side by side. */
export const compare: Command = {
  usage: "compare RUN RUN... [--json]",
  summary: "print runs side by side: parameters (* marks those that differ), last and best of each metric",
  options: { json: { type: "boolean" } },
  positionals: [2, Number.POSITIVE_INFINITY],
  async run(input) {
    const ids = [...new Set(input.positionals)];
    if (ids.length < 2) throw new UsageError("compare wants two different runs or more");
    const states: RunState[] = [];
    for (const id of ids) states.push(await readRun(input.store, id));
    const compared = compareRuns(states);
    if (flag(input, "json")) printJson(jsonText(compared));
    else printAll(compared);
    return 0;
  },
};

/** One metric across runs. */
interface ComparedMetric {
  readonly goal: "min" | "max" | undefined;
  /** By run; absent where the run has it not. */
  readonly runs: Readonly<Record<string, MetricSummary>>;
  /** The runs whose best is the best of all; none without a goal. */
  readonly best: readonly string[];
}

interface Compared {
  readonly runs: readonly Pick<RunSummary, "run" | "tag" | "status" | "started" | "ended">[];
  readonly parameters: Readonly<
    Record<string, { readonly differs: boolean; readonly values: Readonly<Record<string, unknown>> }>
  >;
  readonly metrics: Readonly<Record<string, ComparedMetric>>;
}

function compareRuns(states: readonly RunState[]): Compared {
  const runs = states.map(summarize);
  return {
    runs: runs.map(({ run, tag, status, started, ended }) => ({ run, tag, status, started, ended })),
    parameters: Object.fromEntries(
      namesOf(runs.map(({ parameters }) => parameters)).map((name) => [name, comparedParameter(runs, name)]),
    ),
    metrics: Object.fromEntries(
      namesOf(runs.map(({ metrics }) => metrics)).map((name) => [
        name,
        comparedMetric(runs, name, goalIn(states, name)),
      ]),
    ),
  };
}

/** Every name, in the order in which it is first met. */
function namesOf(objects: readonly object[]): string[] {
  return [...new Set(objects.flatMap((object) => Object.keys(object)))];
}

function comparedParameter(
  runs: readonly RunSummary[],
  name: string,
): { differs: boolean; values: Record<string, unknown> } {
  const having = runs.filter(({ parameters }) => Object.hasOwn(parameters, name));
  const values = Object.fromEntries(having.map(({ run, parameters }) => [run, parameters[name]]));
  const texts = new Set(Object.values(values).map((value) => jsonText(value, 0)));
  return { differs: having.length < runs.length || texts.size > 1, values };
}

/** The goal that the runs' models give a metric; none where they disagree. */
function goalIn(states: readonly RunState[], name: string): ComparedMetric["goal"] {
  const goals = states.flatMap(({ tasks, model }) =>
    [...tasks.values()].flatMap((task) =>
      [...task.columns.keys()]
        .filter((key) => (task.name === mainTask ? key : `${task.name}/${key}`) === name)
        .flatMap((key) => goalOf(model, key) ?? []),
    ),
  );
  return new Set(goals).size === 1 ? goals[0] : undefined;
}

function comparedMetric(
  runs: readonly RunSummary[],
  name: string,
  goal: ComparedMetric["goal"],
): ComparedMetric {
  const found = runs.flatMap(({ run, metrics }): [string, MetricSummary][] => {
    const metric = Object.hasOwn(metrics, name) ? metrics[name] : undefined;
    return metric === undefined ? [] : [[run, metric]];
  });
  const bests = found.flatMap(([, { best }]) => best ?? []);
  const top = goal === "min" ? Math.min(...bests) : Math.max(...bests);
  const best =
    goal === undefined ? [] : found.filter(([, metric]) => metric.best === top).map(([run]) => run);
  return { goal, runs: Object.fromEntries(found), best };
}

function printAll({ runs, parameters, metrics }: Compared): void {
  const ids = runs.map(({ run }) => run);
  const rows = [
    ["tag", ...runs.map(({ tag }) => tag ?? "")],
    ["status", ...runs.map(({ status }) => status)],
    ...Object.entries(parameters).map(([name, { differs, values }]) => [
      `${differs ? "* " : "  "}${name}`,
      ...ids.map((id) => (Object.hasOwn(values, id) ? textOf(values[id]) : "-")),
    ]),
    ...Object.entries(metrics).flatMap(([name, metric]) => metricRows(name, metric, ids)),
  ];
  for (const line of table(["", ...ids], rows)) print(line);
}

function metricRows(name: string, metric: ComparedMetric, ids: readonly string[]): string[][] {
  const last = ids.map((id) => {
    const found = metric.runs[id];
    return found === undefined ? "-" : short(found.last);
  });
  if (metric.goal === undefined) return [[`${name} last`, ...last]];
  const best = ids.map((id) => {
    const found = metric.runs[id];
    if (found?.best === undefined) return "-";
    return `${short(found.best)} at ${found.bestStep}${metric.best.includes(id) ? " (best)" : ""}`;
  });
  return [
    [`${name} last`, ...last],
    [`${name} best (${metric.goal})`, ...best],
  ];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : jsonText(value, 0);
}
