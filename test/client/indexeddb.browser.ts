import * as api from "runlog";
import { indexedDbStore } from "../../src/stores/indexeddb.ts";
import { clientContract } from "../contract/client.ts";

const names = new Map<string, string>();

clientContract("IndexedDB", {
  api,
  async make() {
    const name = `client-${crypto.randomUUID()}`;
    const store = indexedDbStore(name);
    names.set(store.location, name);
    return store;
  },
  reopen: async (store) => indexedDbStore(names.get(store.location)),
  durable: "disk",
});
