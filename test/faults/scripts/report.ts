/** Tracks one value and prints, as JSON, what `flush` said and the report at the end. */
import { startRun } from "../../../src/node.ts";

const run = startRun({ syncTo: [] });
run.track({ loss: 1 });
const flushed = await run.flush();
process.stdout.write(`${JSON.stringify({ flushed, report: await run.finish() })}\n`);
