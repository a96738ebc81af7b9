import type { Series } from "runlog";
import { drawn, element } from "./dom.ts";

/** A line chart of one series: steps to the right, values upwards, the last value in the title. */

const width = 400;
const height = 160;
/** As many points as the drawing has columns show its whole shape. */
const columns = 400;

export interface Chart {
  readonly root: HTMLElement;
  /** Draws the series instead of what was drawn. */
  draw(series: Series): void;
}

export function createChart(title: string): Chart {
  const heading = element("h3", {}, title);
  const curve = drawn("path", { class: "curve" });
  const axis = drawn("path", { class: "axis", d: `M0 ${height}H${width}` });
  const drawing = drawn("svg", {
    viewBox: `0 -4 ${width} ${height + 8}`,
    preserveAspectRatio: "none",
    role: "img",
  });
  drawing.append(axis, curve);
  const [first, middle, last] = [element("span"), element("span"), element("span")];
  const root = element(
    "figure",
    {},
    heading,
    drawing,
    element("div", { class: "ends" }, first, middle, last),
  );
  return {
    root,
    draw({ step, value }) {
      const points = finitePoints(step, value);
      const latest = points.at(-1);
      curve.setAttribute("d", path(points));
      heading.textContent = latest === undefined ? title : `${title}: ${short(latest.y)}`;
      drawing.setAttribute("aria-label", `${title}, ${points.length} points`);
      first.textContent = points[0] === undefined ? "" : `step ${points[0].x}`;
      const [low, high] = range(points.map(({ y }) => y));
      middle.textContent = latest === undefined ? "" : `${short(low)} to ${short(high)}`;
      last.textContent = latest === undefined ? "" : `step ${latest.x}`;
    },
  };
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Only real numbers can be drawn. */
function finitePoints(step: ArrayLike<number>, value: ArrayLike<unknown>): Point[] {
  const points: Point[] = [];
  for (let index = 0; index < step.length; index++) {
    const y = value[index];
    if (typeof y === "number" && Number.isFinite(y)) points.push({ x: step[index] as number, y });
  }
  return points.sort((one, other) => one.x - other.x);
}

function path(points: readonly Point[]): string {
  if (points.length === 0) return "";
  const [left, right] = range(points.map(({ x }) => x));
  const [low, high] = range([0, ...points.map(({ y }) => y)]);
  const place = ({ x, y }: Point): string => {
    const across = ((x - left) / (right - left || 1)) * width;
    const down = height - ((y - low) / (high - low || 1)) * height;
    return `${across.toFixed(1)} ${down.toFixed(1)}`;
  };
  return `M${extremes(points).map(place).join("L")}`;
}

/** The lowest and the highest point of each column, in order: a spike is never lost. */
function extremes(points: readonly Point[]): readonly Point[] {
  if (points.length <= columns * 2) return points;
  const kept: Point[] = [];
  for (let column = 0; column < columns; column++) {
    const start = Math.floor((column * points.length) / columns);
    const part = points.slice(start, Math.floor(((column + 1) * points.length) / columns));
    const byValue = part.toSorted((one, other) => one.y - other.y);
    const ends = [byValue[0], byValue.at(-1)].filter((point) => point !== undefined);
    kept.push(...ends.sort((one, other) => one.x - other.x));
  }
  return kept;
}

function range(values: readonly number[]): readonly [number, number] {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)] as const, [
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ] as readonly [number, number]);
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
