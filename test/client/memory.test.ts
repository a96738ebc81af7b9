import * as api from "runlog";
import { clientContract } from "../contract/client.ts";
import type { ClientHost } from "../contract/client-host.ts";
import { resumeContract } from "../contract/client-resume.ts";
import { clientTasksContract } from "../contract/client-tasks.ts";

const host: ClientHost = {
  api,
  make: async () => api.memoryStore(),
  reopen: async (store) => store,
  durable: "memory",
};

clientContract("memory", host);
resumeContract("memory", host);
clientTasksContract("memory", host);
