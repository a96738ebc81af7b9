/** A demo with its own server; the argument is its name. Prints its runs' ids. */
import { runLogStore, startRun } from "../../../src/node.ts";

const [name = "", server = "", timeout = "10000"] = process.argv.slice(2);
const run = startRun({ tag: name, syncTo: [runLogStore(server)], quiet: true });
for (let step = 0; step < 100; step++) run.track({ loss: step }, { step });
await run.finish("SUCCESS", { timeout: Number(timeout) });
process.stdout.write(`${run.id}\n`);
