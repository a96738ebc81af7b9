/** Tracks 20,000 observations in bursts and sends them to an MLflow server: `to-mlflow.ts <store> <url>`. */
import { writeSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { mlflow } from "../../../src/destinations/mlflow/index.ts";
import { startRun } from "../../../src/node.ts";

const [store = "", url = ""] = process.argv.slice(2);
const run = startRun({ store, tag: "killed", syncTo: [mlflow(url)], quiet: true });
for (let step = 0; step < 20_000; step++) {
  run.track({ loss: step / 7 }, { step });
  if (step % 2_000 === 1_999) {
    await run.flush();
    writeSync(3, `${run.id}\n`);
    await wait(100);
  }
}
await run.finish(undefined, { timeout: 60_000 });
