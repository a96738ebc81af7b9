/**
 * Tracks without end. Before each step it tells file descriptor 3 `track <step> <ms>`; with the argument `flush`, which
 * flushes now and then, also `flushed <step>` for the last step that is durable.
 */
import { writeSync } from "node:fs";
import { startRun } from "../../../src/node.ts";

const [runId = "", mode] = process.argv.slice(2);
const run = startRun({ runId, tag: "killed", quiet: true });

for (let step = 0; ; step++) {
  writeSync(3, `track ${step} ${Date.now()}\n`);
  run.track({ loss: 1 / (step + 1), note: `step ${step}` }, { step });
  if (mode === "flush" && step % 20 === 19) {
    const where = await run.flush();
    if (where === "disk") writeSync(3, `flushed ${step}\n`);
  }
  await new Promise((resolve) => setTimeout(resolve, 1));
}
