/** The text of numbers, times and durations in a run log: as Python reads and magnus writes them. */

/** `YYYY-MM-DD HH:MM:SS.ffffff` in UTC; empty for undefined or what no calendar holds. */
export function timeText(time: number | undefined): string {
  if (time === undefined || !(Math.abs(time) <= 8.64e15)) return "";
  const [millis, micros] = split(time);
  return `${new Date(millis).toISOString().slice(0, -1).replace("T", " ")}${String(micros).padStart(3, "0")}`;
}

/** Python's `str(timedelta)`; empty unless both ends are known. */
export function durationText(start: number | undefined, end: number | undefined): string {
  if (start === undefined || end === undefined) return "";
  const [[startMillis, startMicros], [endMillis, endMicros]] = [split(start), split(end)];
  const [carry, micros] = floorDivide(endMicros - startMicros, 1_000);
  const [days, rest] = floorDivide(endMillis - startMillis + carry, 86_400_000);
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  const clock = `${Math.floor(rest / 3_600_000)}:${two((rest / 60_000) % 60)}:${two((rest / 1_000) % 60)}`;
  const below = (rest % 1_000) * 1_000 + micros;
  const fraction = below === 0 ? "" : `.${String(below).padStart(6, "0")}`;
  const prefix = days === 0 ? "" : `${days} day${Math.abs(days) === 1 ? "" : "s"}, `;
  return `${prefix}${clock}${fraction}`;
}

/** Whole milliseconds, and the microseconds past them. */
function split(time: number): [millis: number, micros: number] {
  const millis = Math.floor(time);
  const micros = Math.round((time - millis) * 1_000);
  return micros === 1_000 ? [millis + 1, 0] : [millis, micros];
}

function floorDivide(value: number, by: number): [quotient: number, rest: number] {
  const quotient = Math.floor(value / by);
  return [quotient, value - quotient * by];
}

/** A list of named values whose order is kept, integer-like names too, which objects would sort. */
export class Entries implements Iterable<readonly [string, unknown]> {
  readonly #make: () => Iterator<readonly [string, unknown]>;

  constructor(make: () => Iterator<readonly [string, unknown]>) {
    this.#make = make;
  }

  [Symbol.iterator](): Iterator<readonly [string, unknown]> {
    return this.#make();
  }
}

/** About the characters of a piece of text: large enough that the pieces cost little, small enough to hold. */
export const pieceSize = 65_536;

/**
 * JSON with an indent of four spaces, in ASCII alone as magnus writes it, so that Python reads it in any locale; `-0`
 * is `-0.0`, which keeps its sign there. `Entries` become objects piece by piece.
 */
export function* jsonChunks(value: unknown, indent = ""): Generator<string, void, undefined> {
  if (isLeaf(value)) yield leafText(value);
  else if (Array.isArray(value))
    yield* itemChunks(
      value.map((item) => ["", item] as const),
      "[",
      "]",
      indent,
    );
  else
    yield* itemChunks(
      value instanceof Entries ? named(value) : named(Object.entries(value)),
      "{",
      "}",
      indent,
    );
}

/** The same as plain objects. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const entries = value instanceof Entries ? [...value] : Object.entries(value);
  const said = entries.filter(([, item]) => item !== undefined);
  return Object.fromEntries(said.map(([name, item]) => [name, plain(item)]));
}

/** The items of an object or a list, each with the text that stands before it. */
function* itemChunks(
  items: Iterable<readonly [string, unknown]>,
  open: string,
  close: string,
  indent: string,
): Generator<string, void, undefined> {
  const inner = `${indent}    `;
  let text = open;
  let separator = "\n";
  for (const [before, item] of items) {
    text += `${separator}${inner}${before}`;
    separator = ",\n";
    if (isLeaf(item)) text += leafText(item);
    if (isLeaf(item) && text.length < pieceSize) continue;
    yield text;
    text = "";
    if (!isLeaf(item)) yield* jsonChunks(item, inner);
  }
  yield separator === "\n" ? `${open}${close}` : `${text}\n${indent}${close}`;
}

function* named(entries: Iterable<readonly [string, unknown]>): Generator<readonly [string, unknown]> {
  for (const [name, item] of entries) {
    if (item !== undefined) yield [`${ascii(JSON.stringify(name))}: `, item];
  }
}

function isLeaf(value: unknown): value is string | number | boolean | null | undefined {
  return typeof value !== "object" || value === null;
}

function leafText(value: string | number | boolean | null | undefined): string {
  if (Object.is(value, -0)) return "-0.0";
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  return ascii(JSON.stringify(value) ?? "null");
}

function ascii(text: string): string {
  return text.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
