import { mainTask } from "../model/observation.ts";
import type { RunState } from "../read/state.ts";
import { type MetricSummary, summarize } from "../read/summary.ts";
import type { DestinationReport } from "./deliveries.ts";
import { printable } from "./printable.ts";
import type { RunReport } from "./report.ts";

/** What a person at a terminal sees when a run has ended. */
export interface EndParts {
  readonly report: RunReport;
  /** The run as it is kept; without it no metric is drawn. */
  readonly state: RunState | undefined;
  /** Delivers what waits. */
  readonly command: string | undefined;
  /** Of the terminal, in characters. */
  readonly width: number;
}

const bars = "▁▂▃▄▅▆▇█";
const notFinite = "·";
const mostCells = 32;
const mostMetrics = 12;
const longestName = 28;

/** The lines of the block, not yet made printable: status, a line for each metric, where it is kept, and how each destination stands. */
export function endLines(parts: EndParts): string[] {
  const { report, state } = parts;
  const status = state?.status === "PROCESSING" ? "PROCESSING (another writer goes on)" : report.status;
  const count = `${report.tracked} ${report.tracked === 1 ? "observation" : "observations"}`;
  return [
    `run ${report.run}: ${status}, ${count}`,
    ...(state === undefined ? [] : metricLines(state, parts.width)),
    `  kept in ${report.location}${report.storage === "disk" ? "" : ` (${report.storage})`}`,
    ...(report.problem === undefined ? [] : problemLines(report.problem)),
    ...report.environment.map((problem) => `  ${problem}`),
    ...destinationLines(report, parts.command),
  ];
}

/**
 * `values` as one line of bars, at most `cells` wide: each bar the mean of its share of the values, in the order of
 * tracking. Where a share holds NaN or an infinity it is a dot.
 */
export function sparkline(values: readonly number[], cells: number = mostCells): string {
  const width = Math.min(cells, values.length);
  const means = Array.from({ length: width }, (_, cell) => {
    const from = Math.floor((cell * values.length) / width);
    const to = Math.floor(((cell + 1) * values.length) / width);
    let mean = 0;
    for (let at = from; at < to; at++) mean += (values[at] as number) / (to - from);
    return mean;
  });
  const finite = means.filter(Number.isFinite);
  const low = Math.min(...finite);
  const high = Math.max(...finite);
  // Halved, so that the span of the largest numbers is finite too.
  const height = (mean: number): number => (mean / 2 - low / 2) / (high / 2 - low / 2);
  return means
    .map((mean) => {
      if (!Number.isFinite(mean)) return notFinite;
      return bars[high > low ? Math.round(height(mean) * (bars.length - 1)) : 3];
    })
    .join("");
}

function metricLines(state: RunState, width: number): string[] {
  const metrics = Object.entries(summarize(state).metrics);
  const values = new Map<string, number[]>();
  for (const { name: task, columns } of state.tasks.values()) {
    for (const [key, { value }] of columns) {
      const numbers = value.filter((item) => typeof item === "number");
      values.set(task === mainTask ? key : `${task}/${key}`, numbers);
    }
  }
  const shown = metrics.slice(0, mostMetrics).map(([name, metric]) => ({
    name: cut(printable(name)),
    line: sparkline(values.get(name) ?? [], Math.min(mostCells, Math.max(8, width - 60))),
    text: metricText(metric),
  }));
  const names = Math.max(0, ...shown.map(({ name }) => name.length));
  const lines = Math.max(0, ...shown.map(({ line }) => line.length));
  return [
    ...shown.map(({ name, line, text }) => `  ${name.padEnd(names)}  ${line.padEnd(lines)}  ${text}`),
    ...(metrics.length > mostMetrics ? [`  and ${metrics.length - mostMetrics} more metrics`] : []),
  ];
}

function metricText({ last, lastStep, best, bestStep }: MetricSummary): string {
  const at = lastStep === 0 ? "" : ` at step ${lastStep}`;
  const bestText = best === undefined ? "" : `, best ${short(best)} at step ${bestStep}`;
  return `last ${short(last)}${at}${bestText}`;
}

function destinationLines({ destinations, run }: RunReport, command: string | undefined): string[] {
  const all = Object.values(destinations);
  const waits = all.some(({ state }) => state !== "done");
  return [
    ...all.flatMap(destinationLine),
    ...(waits && command !== undefined ? [`  to send what waits of ${run}: ${command}`] : []),
  ];
}

function destinationLine(destination: DestinationReport): string[] {
  const { kind, url, state, delivered, pending, setAside, link, problem } = destination;
  const aside = setAside === 0 ? "" : `, ${setAside} set aside`;
  const stands = state === "done" ? `all ${delivered} there` : `${pending} pending, ${delivered} there`;
  return [
    `  ${kind} ${link ?? url}: ${stands}${aside}`,
    ...(problem === undefined ? [] : problemLines(problem)),
  ];
}

function problemLines({ message, action }: { readonly message: string; readonly action: string }): string[] {
  return [`    ${message}`, `    ${action}`];
}

function cut(name: string): string {
  return name.length > longestName ? `${name.slice(0, longestName - 1)}…` : name;
}

function short(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}
