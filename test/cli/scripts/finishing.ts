import { defineMetrics, metric, runLogStore, startRun } from "../../../src/node.ts";

/** A run of 40 steps that goes to the server in `SERVER`, if any; the store is the argument. */
const server = process.env["SERVER"];
const metrics = defineMetrics({ loss: metric({ goal: "min" }), "odd\u202e": metric() });
const run = startRun({
  runId: "finishing",
  store: process.argv[2],
  metrics,
  syncTo: server === undefined ? [] : [runLogStore(server)],
  quiet: process.env["QUIET"] === "1",
});
for (let step = 0; step < 40; step++) run.track({ loss: Math.abs(step - 30) }, { step });
for (let step = 0; step < 8; step++) run.track({ "odd\u202e": step === 3 ? Number.NaN : step }, { step });
await run.finish(undefined, { timeout: 500 });
