import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { filesystemStore } from "../../src/stores/filesystem/index.ts";
import { storeContract } from "../contract/store.ts";

storeContract("filesystem store", async () => {
  const folder = await mkdtemp(join(tmpdir(), "runlog-store-"));
  const store = filesystemStore(folder);
  const cleanup = async (): Promise<void> => {
    await store.close();
    await rm(folder, { recursive: true });
  };
  return { store, local: store, reopen: async () => filesystemStore(folder), cleanup };
});
