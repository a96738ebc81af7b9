import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { stripVTControlCharacters, styleText } from "node:util";

/**
 * Results go to stdout, everything else to stderr. Names, tags and messages come from data, which anybody may have
 * written: what could move the cursor, recolour the screen or turn the reading direction is taken out.
 */

// Controls (C0, DEL, C1), line and paragraph separators, and marks that reorder text.
const unsafe = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** `text` on one line and without control characters. */
export function clean(text: string): string {
  return stripVTControlCharacters(text).replace(unsafe, "\ufffd");
}

/** Writes a result line to stdout. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Writes a line for people to stderr. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Writes parts to stdout, waiting for a slow reader. */
export async function printAll(
  parts: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
): Promise<void> {
  await pipeline(Readable.from(parts, { objectMode: true }), process.stdout, { end: false });
}

/** `text` in bold, where stdout is a terminal. */
export function bold(text: string): string {
  return styleText("bold", text, { stream: process.stdout });
}

/** `text` dimmed, where stdout is a terminal. */
export function dim(text: string): string {
  return styleText("dim", text, { stream: process.stdout });
}

/** A run's status in its colour, where stdout is a terminal. */
export function coloured(status: string): string {
  const colour = status === "SUCCESS" ? "green" : status === "FAIL" ? "red" : "yellow";
  return styleText(colour, status, { stream: process.stdout });
}

/** Rows under a heading, in columns as wide as their widest cell. Cells are cleaned; no row, no lines. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const cells = [heading, ...rows].map((row) => row.map(clean));
  const widths = heading.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return cells.map((row, index) => (index === 0 ? bold(line(row)) : line(row)));
}

/** `2026-11-23 18:27:01` in UTC. */
export function instant(millis: number): string {
  return Number.isFinite(millis) ? new Date(millis).toISOString().slice(0, 19).replace("T", " ") : "";
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
