/**
 * Tracks while its wall clock jumps: 30 steps at each of the offsets (years, separated by commas) in its second
 * argument. Tells file descriptor 3 `step <n>` for what is durable. With the third argument `stay` it waits in the end
 * to be killed.
 */
import { writeSync } from "node:fs";

const [runId = "", years = "0", end = "finish"] = process.argv.slice(2);
const real = Date.now;
let shift = 0;
Date.now = () => real() + shift;

const { startRun } = await import("../../../src/node.ts");
let step = 0;
const begin = (offset: string): void => {
  shift = Number(offset) * 365 * 86_400_000;
};
const [first = "0", ...later] = years.split(",");
begin(first);
const run = startRun({ runId, tag: "clock", quiet: true });
for (const offset of [first, ...later]) {
  begin(offset);
  for (const last = step + 30; step < last; step++) {
    // Twice at one step: their times tell them apart, and must grow while the clock does not.
    run.track({ loss: step, unstepped: step }, { step });
    run.track({ unstepped: -step }, { step });
    if ((await run.flush()) === "disk") writeSync(3, `step ${step}\n`);
  }
}
if (end === "stay") setInterval(() => {}, 60_000);
else await run.finish(undefined, { timeout: 60_000 });
