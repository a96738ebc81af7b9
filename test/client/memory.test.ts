import * as api from "runlog";
import { clientContract } from "../contract/client.ts";

clientContract("memory", {
  api,
  make: async () => api.memoryStore(),
  reopen: async (store) => store,
  durable: "memory",
});
