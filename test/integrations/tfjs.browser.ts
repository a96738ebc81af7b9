import * as api from "runlog";
import { indexedDbStore } from "../../src/stores/indexeddb.ts";
import { fitContract } from "./fit-contract.ts";

fitContract("IndexedDB", { api, make: () => indexedDbStore(`fit-${crypto.randomUUID()}`) });
