import { isRunlogError, type Row } from "runlog";
import { type FollowOptions, follow } from "./follow.ts";
import { type Box, type Line, lineOf } from "./line.ts";
import { changesOf, lookAt, type Shown } from "./source.ts";
import { html, saidBy, shortNumber, svg } from "./web-elements.ts";

export interface ChartOptions extends FollowOptions {
  /** Of each panel's drawing, pixels; it shrinks with a narrow page. @default 480 */
  readonly width?: number;
  /** @default 180 */
  readonly height?: number;
}

/** One series as it is drawn. */
interface Panel {
  readonly name: string;
  readonly step: number[];
  readonly value: number[];
}

/** So many panels at most; more are counted. */
const panelsShown = 24;

/**
 * A chart of a run's metrics: a panel for each, steps to the right. It follows the run while it goes on and ends with
 * it, or when it is taken out of the page, or by `invalidation` or `signal`. Colours of the page, light or dark.
 * Observations without steps are drawn in their order.
 *
 *     display(chart(run, "loss", { invalidation }));
 *
 * @param shown a run, or `{ id, store }` for one that is kept
 * @param keys the metrics to draw; all when absent. Metrics of other tasks than `main` are named `task/key`.
 */
export function chart(
  shown: Shown,
  keys?: string | readonly string[],
  options: ChartOptions = {},
): HTMLElement {
  const { width = 480, height = 180 } = options;
  const wanted = keys === undefined ? undefined : new Set(typeof keys === "string" ? [keys] : keys);
  const root = html("figure", { class: "runlog-chart", style: "margin:0;font:13px system-ui,sans-serif" });
  const look = async (): Promise<boolean> => {
    try {
      const { store, ended, note } = await lookAt(shown);
      const only = wanted?.size === 1 ? [...wanted][0] : undefined;
      const panels = panelsOf(await store.rows(shown.id, { key: only }), wanted);
      const drawn = panels.slice(0, panelsShown).map((panel) => draw(panel, width, height));
      root.replaceChildren(...drawn, ...notes(panels.length, wanted, note));
      return ended;
    } catch (error) {
      root.replaceChildren(saying(saidBy(error)));
      return isRunlogError(error, "run_deleted");
    }
  };
  follow(root, look, (signal) => changesOf(shown, signal), options);
  return root;
}

function notes(panels: number, wanted: ReadonlySet<string> | undefined, note: string | undefined): Element[] {
  const lines: string[] = [];
  if (panels === 0) {
    const what = wanted === undefined ? "no metric" : `none of ${[...wanted].join(", ")}`;
    lines.push(`${what} tracked yet`);
  }
  if (panels > panelsShown) lines.push(`and ${panels - panelsShown} more: name those to draw`);
  if (note !== undefined) lines.push(note);
  return lines.map(saying);
}

function saying(text: string): HTMLElement {
  return html("p", { style: "margin:0;opacity:.7" }, text);
}

/** The metrics among the rows, each with its points by step; a row that is no number is no point. */
function panelsOf(rows: readonly Row[], wanted: ReadonlySet<string> | undefined): Panel[] {
  const panels = new Map<string, { name: string; points: { step: number; value: number }[] }>();
  for (const { task, key, step, value } of rows) {
    if (typeof value !== "number") continue;
    const name = task === "main" ? key : `${task}/${key}`;
    if (wanted !== undefined && !wanted.has(key) && !wanted.has(name)) continue;
    const panel = panels.get(name) ?? { name, points: [] };
    panels.set(name, panel);
    panel.points.push({ step, value });
  }
  return Array.from(panels.values(), ({ name, points }) => {
    const unstepped = points.every(({ step }) => step === points[0]?.step);
    if (!unstepped) points.sort((one, other) => one.step - other.step);
    return {
      name,
      step: points.map(({ step }, index) => (unstepped ? index : step)),
      value: points.map(({ value }) => value),
    };
  });
}

function draw(panel: Panel, width: number, height: number): HTMLElement {
  const box: Box = { left: 52, right: width - 12, top: 8, bottom: height - 22 };
  const last = panel.value.at(-1) as number;
  const label = `${panel.name}: ${panel.value.length} points, last ${shortNumber(last)}`;
  const drawing = svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    "aria-label": label,
    style: "display:block;max-width:100%;height:auto",
  });
  const line = lineOf(panel, box);
  if (line !== undefined) drawing.append(...axes(line, box), curve(line));
  const heading = html("div", {}, html("strong", {}, panel.name), ` ${shortNumber(last)}`);
  return html("div", { style: "margin-bottom:.5em" }, heading, drawing);
}

function curve({ path }: Line): SVGElement {
  return svg("path", {
    class: "runlog-line",
    d: path,
    fill: "none",
    // Stands out from white and from black alike.
    stroke: "#4c7fe0",
    "stroke-width": 2,
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
  });
}

function axes({ x, y }: Line, { left, right, bottom }: Box): SVGElement[] {
  const text = { fill: "currentColor", "font-size": 11, opacity: 0.75 };
  const across = x.map(({ at, value }) =>
    svg("text", { ...text, x: at, y: bottom + 16, "text-anchor": "middle" }, shortNumber(value, 6)),
  );
  const up = y.flatMap(({ at, value }) => [
    svg("path", { d: `M${left},${at}H${right}`, stroke: "currentColor", "stroke-opacity": 0.15 }),
    svg("text", { ...text, x: left - 6, y: at + 4, "text-anchor": "end" }, shortNumber(value)),
  ]);
  return [...up, ...across];
}
