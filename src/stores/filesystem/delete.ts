import { rm } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder, replaceFile, syncFolder } from "./durable.ts";
import { type RunLayout, tombstoneName } from "./layout.ts";
import { namesIn } from "./scan.ts";

/** Removes what the store holds of a run; the tombstone, which refuses its writers, is durable before anything goes. */
export async function deleteRun(layout: RunLayout): Promise<void> {
  await makeFolder(layout.folder);
  await replaceFile(layout.tombstone, "", layout.tombstone);
  await rm(layout.derived, { force: true });
  for (const name of (await namesIn(layout.folder)) ?? []) {
    if (name !== tombstoneName) await rm(join(layout.folder, name), { recursive: true, force: true });
  }
  await syncFolder(layout.folder);
}
