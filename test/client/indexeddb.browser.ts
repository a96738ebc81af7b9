import { deleteDB } from "idb";
import * as api from "runlog";
import { indexedDbStore } from "../../src/stores/indexeddb.ts";
import { clientContract } from "../contract/client.ts";
import type { ClientHost } from "../contract/client-host.ts";
import { removedContract } from "../contract/client-removed.ts";
import { resumeContract } from "../contract/client-resume.ts";
import { clientTasksContract } from "../contract/client-tasks.ts";

const names = new Map<string, string>();

const host: ClientHost = {
  api,
  async make() {
    const name = `client-${crypto.randomUUID()}`;
    const store = indexedDbStore(name);
    names.set(store.location, name);
    return store;
  },
  reopen: async (store) => indexedDbStore(names.get(store.location)),
  durable: "disk",
};

clientContract("IndexedDB", host);
resumeContract("IndexedDB", host);
clientTasksContract("IndexedDB", host);
removedContract("IndexedDB", host, (store) => deleteDB(store.location));
