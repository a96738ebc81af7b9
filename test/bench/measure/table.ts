/** Prints a table of figures and keeps it in README.md of this folder, between two comments with its name. */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";

const readme = new URL("../README.md", import.meta.url);

/** @param rows cells as text, the head first */
export function publish(name: string, rows: readonly (readonly string[])[]): void {
  const table = markdown(rows);
  console.log(table);
  const day = new Date().toISOString().slice(0, 10);
  const machine = `${availableParallelism()} x ${cpus()[0]?.model.trim() ?? "unknown processor"}`;
  const text = `<!-- ${name} -->\n${table}\n\n${day}, Node ${process.versions.node}, ${machine}\n<!-- /${name} -->`;
  const before = readFileSync(readme, "utf8");
  const place = new RegExp(`<!-- ${name} -->[^]*<!-- /${name} -->`);
  if (!place.test(before)) throw new Error(`test/bench/README.md has no place for "${name}"`);
  writeFileSync(
    readme,
    before.replace(place, () => text),
  );
}

/** Padded as the formatter wants it, so that a new run leaves nothing to format. */
function markdown([head = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) =>
    Math.max(3, cell.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[], filler: string): string =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width, filler)).join(" | ")} |`;
  return [line(head, " "), line([], "-"), ...rows.map((row) => line(row, " "))].join("\n");
}

/** Three digits that matter, with commas: `1,230,000`, `45.6`. */
export function figure(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en-US", { maximumFractionDigits: 3 });
}
