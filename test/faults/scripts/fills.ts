/**
 * Tracks until the disk is full, and goes on until there is room again. It tells file descriptor 3 `flushed <step>` for
 * the last step that is durable, `full <report>` once, and `room <step>` when all is durable again.
 */
import { writeSync } from "node:fs";
import { startRun } from "../../../src/node.ts";

const run = startRun({ runId: process.argv[2] ?? "", syncTo: [], quiet: true });
const tell = (line: string): void => void writeSync(3, `${line}\n`);
let step = 0;
const track = (): void => {
  run.track({ loss: step, note: `step ${step} ${"x".repeat(500)}` }, { step });
  step += 1;
};

for (let where = "disk"; where === "disk"; ) {
  for (let many = 0; many < 7; many++) track();
  where = await run.flush();
  if (where === "disk") tell(`flushed ${step - 1}`);
}
tell(`full ${JSON.stringify(run.report())}`);
// Without new ones it would be the old segments alone that wait.
for (let many = 0; many < 5; many++) track();
while ((await run.flush()) !== "disk") await new Promise((resolve) => setTimeout(resolve, 20));
tell(`room ${step - 1}`);
await run.finish();
