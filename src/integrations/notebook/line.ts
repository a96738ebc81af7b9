/** The geometry of one series: pure, in the units of the drawing. */

export interface Points {
  readonly step: readonly number[];
  readonly value: readonly number[];
}

/** A rectangle to draw into; `y` grows downwards. */
export interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface Tick {
  readonly at: number;
  readonly value: number;
}

export interface Line {
  /** For `<path d>`: one piece for each stretch of finite values; a lone point is a piece of no length. */
  readonly path: string;
  readonly x: readonly Tick[];
  readonly y: readonly Tick[];
}

/** The line of a series, or undefined where no value is finite. Past two points a pixel it keeps each pixel's extremes. */
export function lineOf({ step, value }: Points, box: Box): Line | undefined {
  const [lowest, highest] = extent(value);
  if (lowest === undefined || highest === undefined) return undefined;
  const [first = 0, last = 0] = extent(step);
  const flat = lowest === highest ? Math.abs(lowest) / 10 || 1 : 0;
  const x = scale(first, first === last ? first + 1 : last, box.left, box.right);
  const y = scale(lowest - flat, highest + flat, box.bottom, box.top);
  let path = "";
  let drawing = false;
  for (const row of thinned(value, Math.max(1, Math.floor(box.right - box.left)))) {
    const each = value[row] as number;
    if (Number.isFinite(each)) {
      const point = `${round(x(step[row] as number))},${round(y(each))}`;
      path += drawing ? `L${point}` : `M${point}h0`;
    }
    drawing = Number.isFinite(each);
  }
  const at = (scaled: (value: number) => number) => (each: number) => ({ at: scaled(each), value: each });
  return {
    path,
    x: ticks(first, last, 5).filter(Number.isInteger).map(at(x)),
    y: ticks(lowest - flat, highest + flat, 4).map(at(y)),
  };
}

/** Rows to draw: all, or of each of `width` stretches its first, least, greatest and last, and every gap. */
function thinned(value: readonly number[], width: number): number[] {
  if (value.length <= 2 * width) return [...value.keys()];
  const rows: number[] = [];
  for (let stretch = 0; stretch < width; stretch++) {
    const from = Math.floor((stretch * value.length) / width);
    const to = Math.floor(((stretch + 1) * value.length) / width);
    const kept = new Set([from, to - 1]);
    let least = from;
    let most = from;
    for (let row = from; row < to; row++) {
      const each = value[row] as number;
      if (!Number.isFinite(each)) kept.add(row);
      if (each < (value[least] as number) || !Number.isFinite(value[least])) least = row;
      if (each > (value[most] as number) || !Number.isFinite(value[most])) most = row;
    }
    rows.push(...[...kept.add(least).add(most)].sort((one, other) => one - other));
  }
  return rows;
}

function extent(values: readonly number[]): [number, number] | [undefined, undefined] {
  let least: number | undefined;
  let most: number | undefined;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (least === undefined || value < least) least = value;
    if (most === undefined || value > most) most = value;
  }
  return least === undefined || most === undefined ? [undefined, undefined] : [least, most];
}

/** Divides first, so that the widest numbers do not overflow. */
function scale(from: number, to: number, start: number, end: number): (value: number) => number {
  const span = to / 2 - from / 2;
  return (value) => start + ((value / 2 - from / 2) / span) * (end - start);
}

/** Round numbers inside [from, to], about `count` of them. */
function ticks(from: number, to: number, count: number): number[] {
  const raw = to / count - from / count;
  if (!(raw > 0)) return [from];
  const power = 10 ** Math.floor(Math.log10(raw));
  const nice = ([1, 2, 5, 10].find((each) => each * power >= raw) ?? 10) * power;
  const first = Math.ceil(from / nice);
  const amount = Math.min(2 * count + 1, Math.floor(to / nice) - first + 1);
  return Array.from({ length: amount }, (_, index) => (first + index) * nice);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
