import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { styleText } from "node:util";
import { printable } from "../client/printable.ts";

/**
 * Results go to stdout, everything else to stderr. All text of this program goes out through the functions here, and
 * each makes it printable: what is shown comes from data, which anybody may have written. Other programs' own bytes
 * pass as they are: what `exec`'s command prints, whose output this would be without us, and what `export` writes.
 */

/** A part of a line in the style of the terminal. */
export interface Styled {
  readonly style: Parameters<typeof styleText>[0];
  readonly text: string;
}

/** What stands on one line. */
export type Line = string | readonly (string | Styled)[];

/** Writes a result line to stdout. */
export function print(line: Line): void {
  process.stdout.write(`${shown(line, process.stdout)}\n`);
}

/** Writes a line for people to stderr. */
export function note(line: Line): void {
  process.stderr.write(`${shown(line, process.stderr)}\n`);
}

/** Writes over the last line of stderr, as far as it was written by this function; an empty text only takes it away. */
export function showOver(text: string): void {
  process.stderr.write(`\r\u001b[2K${printable(text).slice(0, (process.stderr.columns ?? 80) - 1)}`);
}

/** Writes JSON, whose line ends are its own, to stdout. */
export function printJson(json: string): void {
  process.stdout.write(`${json.split("\n").map(printable).join("\n")}\n`);
}

/** Writes lines to stdout, waiting for a slow reader. */
export async function printLines(lines: Iterable<Line> | AsyncIterable<Line>): Promise<void> {
  await printBytes(textsOf(lines));
}

async function* textsOf(lines: Iterable<Line> | AsyncIterable<Line>): AsyncGenerator<string> {
  for await (const line of lines) yield `${shown(line, process.stdout)}\n`;
}

/** Writes bytes to stdout as they are, waiting for a slow reader. */
export async function printBytes(
  parts: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
): Promise<void> {
  await pipeline(Readable.from(parts, { objectMode: true }), process.stdout, { end: false });
}

function shown(line: Line, stream: NodeJS.WriteStream): string {
  if (typeof line === "string") return printable(line);
  return line
    .map((part) =>
      typeof part === "string" ? printable(part) : styleText(part.style, printable(part.text), { stream }),
    )
    .join("");
}

/** `text` in bold, where the output is a terminal. */
export function bold(text: string): Styled {
  return { style: "bold", text };
}

/** `text` dimmed, where the output is a terminal. */
export function dim(text: string): Styled {
  return { style: "dim", text };
}

/** A run's status in its colour, where the output is a terminal. */
export function coloured(status: string): Styled {
  return { style: status === "SUCCESS" ? "green" : status === "FAIL" ? "red" : "yellow", text: status };
}

/** Rows under a heading, in columns as wide as their widest cell; no row, no lines. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): Line[] {
  if (rows.length === 0) return [];
  const cells = [heading, ...rows].map((row) => row.map(printable));
  const widths = heading.map((_, column) =>
    cells.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), 0),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return cells.map((row, index) => (index === 0 ? [bold(line(row))] : line(row)));
}

/** `2026-11-23 18:27:01` in UTC. */
export function instant(millis: number): string {
  return Math.abs(millis) <= 8.64e15 ? new Date(millis).toISOString().slice(0, 19).replace("T", " ") : "";
}

/** `1h 02m 03s`, `2m 03s`, `3.1s`. */
export function duration(millis: number): string {
  if (millis < 60_000) return `${(millis / 1_000).toFixed(1)}s`;
  const seconds = Math.round(millis / 1_000);
  const two = (value: number): string => `${value}`.padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}h ${two(minutes)}m ${two(seconds % 60)}s` : `${minutes}m ${two(seconds % 60)}s`;
}

/** At most six significant digits, for people. */
export function short(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}
