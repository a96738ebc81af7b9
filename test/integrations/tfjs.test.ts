import * as api from "runlog";
import { fitContract } from "./fit-contract.ts";

fitContract("Node", { api, make: () => api.memoryStore() });
