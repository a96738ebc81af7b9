/**
 * One more writer of a run that is there: tracks its own key from step 0 on, as often as its argument says or without
 * end, and tells file descriptor 3 `flushed <step>` for what is durable.
 */
import { writeSync } from "node:fs";
import { resumeRun } from "../../../src/node.ts";

const [runId = "", key = "", wanted = "Infinity"] = process.argv.slice(2);
const most = Number(wanted);
const run = await resumeRun({ runId, quiet: true });

for (let step = 0; step < most; step++) {
  run.track({ [key]: step / 7 }, { step });
  const burst = most === Number.POSITIVE_INFINITY ? 20 : 1_000;
  if (step % burst !== burst - 1) continue;
  if ((await run.flush()) === "disk") writeSync(3, `flushed ${step}\n`);
  await new Promise((resolve) => setTimeout(resolve, 5));
}
await run.finish(undefined, { timeout: 60_000 });
