import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as api from "runlog";
import { afterAll } from "vitest";
import { filesystemStore } from "../../src/stores/filesystem/index.ts";
import { clientContract } from "../contract/client.ts";
import type { ClientHost } from "../contract/client-host.ts";
import { removedContract } from "../contract/client-removed.ts";
import { resumeContract } from "../contract/client-resume.ts";
import { clientTasksContract } from "../contract/client-tasks.ts";

const folder = mkdtempSync(join(tmpdir(), "runlog-client-"));
let made = 0;
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

const host: ClientHost = {
  api,
  make: async () => filesystemStore(join(folder, String(made++))),
  reopen: async (store) => filesystemStore(store.location),
  durable: "disk",
};

clientContract("the filesystem", host);
resumeContract("the filesystem", host);
clientTasksContract("the filesystem", host);
removedContract("the filesystem", host, async (store) => rmSync(store.location, { recursive: true }));
