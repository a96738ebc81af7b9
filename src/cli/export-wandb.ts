import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { wandbFiles } from "../formats/wandb/index.ts";
import type { LocalStore } from "../stores/store.ts";
import { UsageError } from "./command.ts";
import { note } from "./output.ts";

/** Writes a run as a new offline run directory of W&B inside the folder `out`, which is made when it is missing. */
export async function exportWandb(store: LocalStore, run: string, out: string): Promise<void> {
  if (out === "-") throw new UsageError("--as wandb writes a directory: --out must name a folder for it");
  const { directory, files, notes } = await wandbFiles(store, run);
  const folder = join(out, directory);
  await mkdir(out, { recursive: true });
  await mkdir(folder); // an export never overwrites
  for (const { path, bytes } of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes, { flag: "wx" });
  }
  for (const line of notes) note(`not as it is here: ${line}`);
  note(`wrote ${run} to ${folder}; 'wandb sync ${folder}' uploads it`);
}
