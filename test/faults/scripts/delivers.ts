/** Tracks 20 steps, flushes, delivers and so on, 10 times; tells file descriptor 3 `flushed <step>` for what is durable. */
import { writeSync } from "node:fs";
import { startRun } from "../../../src/node.ts";

const [runId = ""] = process.argv.slice(2);
const run = startRun({ runId, tag: "killed", quiet: true });

for (let step = 0; step < 200; step++) {
  run.track({ loss: 1 / (step + 1), note: `step ${step}` }, { step });
  if (step % 20 !== 19) continue;
  if ((await run.flush()) === "disk") writeSync(3, `flushed ${step}\n`);
  await run.sync({ timeout: 300 });
}
await run.finish(undefined, { timeout: 300 });
