import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { runIdRule } from "../../model/run-id.ts";
import { errorCode } from "./durable.ts";
import { type Layout, parseFileName, tombstoneName } from "./layout.ts";
import { namesIn } from "./scan.ts";

/** A text that differs once a run's journal (any run's) grew or was deleted. */
export async function signatureOf(layout: Layout, run: string | undefined): Promise<string> {
  if (run !== undefined) return signatureOfRun(layout, run);
  const all: string[] = [];
  for (const name of await runsIn(layout)) all.push(await signatureOfRun(layout, name));
  return all.join("\n");
}

/** The runs that have a journal folder, deleted ones included. */
export async function runsIn(layout: Layout): Promise<string[]> {
  try {
    const entries = await readdir(layout.journal, { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory() && runIdRule(entry.name) === undefined);
    return folders.map((entry) => entry.name);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}

async function signatureOfRun(layout: Layout, run: string): Promise<string> {
  const { folder } = layout.run(run);
  const names = ((await namesIn(folder)) ?? []).filter(
    (name) => name === tombstoneName || parseFileName(name),
  );
  const sizes = await Promise.all(
    names.sort().map(async (name) => `${name}:${await sizeOf(join(folder, name))}`),
  );
  return `${run} ${sizes.join(" ")}`;
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return -1;
    throw error;
  }
}
