import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { replaceFile, syncFolder } from "./durable.ts";
import { type RunLayout, tombstoneName } from "./layout.ts";
import { namesIn } from "./scan.ts";

/**
 * Removes what the store holds of a run; the tombstone, which refuses its writers, is durable before anything goes.
 * @param settled resolves once no run log is being written here
 */
export async function deleteRun(layout: RunLayout, settled: () => Promise<void>): Promise<void> {
  await layout.folders.make(layout.folder);
  await replaceFile(layout.tombstone, "", layout.tombstone);
  await settled();
  await rm(layout.derived, { force: true });
  for (const name of (await namesIn(layout.folder)) ?? []) {
    if (name !== tombstoneName) await rm(join(layout.folder, name), { recursive: true, force: true });
  }
  await syncFolder(layout.folder);
  await syncFolder(dirname(layout.derived));
}
