/** A program for tests: takes the lock argv[3] (leases in argv[2]), says so, and lives until it is ended. */
import { nodeLocks } from "../../src/stores/node-locks.ts";

const [, , folder = "", name = ""] = process.argv;
const release = await nodeLocks(folder).take(name);
process.stdout.write(release === undefined ? "refused\n" : "taken\n");
setInterval(() => undefined, 60_000);
