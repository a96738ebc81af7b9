/**
 * One life of a client that may end at any time: goes on with the run where the store ends, 50 steps of four metrics at
 * a time, and delivers each burst until MLflow has it: `mlflow-life.ts <store> <url> <run> <life> <steps>`. Tells file
 * descriptor 3 a line at every turn, and `end` when all is there.
 */
import { writeSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { mlflow } from "../../../src/destinations/mlflow/index.ts";
import { createCaller } from "../../../src/http/caller.ts";
import { openStore, resumeRun } from "../../../src/node.ts";
import { filesystemStore } from "../../../src/stores/filesystem/index.ts";
import { destinationName } from "../../../src/sync/courier.ts";
import { deliverRun } from "../../../src/sync/deliver-run.ts";

const [folder = "", url = "", runId = "", life = "", wanted = ""] = process.argv.slice(2);
const steps = Number(wanted);
const tell = (line: string): void => void writeSync(3, `${line}\n`);

const parameters = { lr: Number(life), fixed: "as ever" };
const run = await resumeRun({ runId, store: folder, parameters, syncTo: [], tag: "lives", quiet: true });
await run.flush();
const rows = await openStore(folder).rows(runId, { key: "loss" });
let step = rows.reduce((next, row) => Math.max(next, row.step + 1), 0);
run.track({ verdict: `of life ${life}` });

while (step < steps) {
  const end = Math.min(step + 50, steps);
  for (; step < end; step++) {
    run.track({ loss: Math.sin(step), accuracy: step / steps, odd: odd(step) }, { step });
    if (step % 25 === 0) run.track({ note: `at ${step}` }, { step });
    await run.task("evaluate", (task) => task.track({ loss: -step }, { step }));
    run.setLabels({ phase: String(Number(life) * 1e6 + step) });
  }
  await run.flush();
  tell(`flushed ${step}`);
  if (Math.sin(step * Number(life)) > -0.7) await deliver();
}
await run.finish("SUCCESS");
await deliver();
tell("end");
process.exit(0);

async function deliver(): Promise<void> {
  const destination = mlflow(url);
  const name = destinationName(destination);
  const call = createCaller(destination);
  const job = {
    store: filesystemStore(folder),
    destination,
    call,
    name,
    run: runId,
    uid: run.uid,
    owner: true,
  };
  const { signal } = new AbortController();
  for (let state = ""; state !== "done"; ) {
    const outcome = await deliverRun({ ...job, signal, noted: () => tell("noted") });
    ({ state } = outcome);
    tell(state);
    if (outcome.state === "park" || outcome.state === "pause") throw new Error(outcome.problem.message);
    // A server that is down needs the processor to start again.
    if (outcome.state === "retry" && outcome.problem.code === "unreachable") await wait(20);
  }
}

function odd(step: number): number {
  return [Number.NaN, Infinity, -Infinity, -0, 5e-324, 0.1 + 0.2][step % 6] ?? step;
}
