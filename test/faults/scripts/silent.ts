/** Tracks and flushes while its server is silent; prints what came of it as one line of JSON. */
import { startRun } from "../../../src/node.ts";

const [runId = "", ending] = process.argv.slice(2);
const run = startRun({ runId });
const flushes: string[] = [];
for (let step = 0; step < 1_000; step++) {
  run.track({ loss: step }, { step });
  if (step % 100 === 99) flushes.push(await run.flush());
}
const before = run.report();
if (ending === "finish") {
  const after = await run.finish("SUCCESS", { timeout: 1_000 });
  process.stdout.write(`${JSON.stringify({ flushes, before, after })}\n`);
}
