import { memoryStore } from "../../src/stores/memory.ts";
import { storeContract } from "../contract/store.ts";

storeContract("memory store", async () => {
  const store = memoryStore();
  return { store, local: store, cleanup: () => store.close() };
});
