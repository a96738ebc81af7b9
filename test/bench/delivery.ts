/** Delivery of a backlog to a real MLflow server, beside a raw loop of `log-batch` requests. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { startRun } from "runlog";
import { mlflow } from "runlog/mlflow";
import { needs } from "../env/find.ts";
import { startMlflow } from "../env/mlflow-server.ts";
import { trackAll, valueAt } from "./measure/columns.ts";
import { interleave } from "./measure/interleave.ts";
import { figure, publish } from "./measure/table.ts";

const COUNT = 50_000;
const TRIES = 3;
const BATCH = 1_000;
const LIMIT_MILLIS = 300_000;

async function ours(url: string, store: string): Promise<number> {
  const destination = mlflow(url);
  const start = performance.now();
  const run = startRun({ store, tag: "bench", syncTo: [destination], quiet: true });
  await trackAll(run, COUNT, turn);
  const { destinations } = await run.sync({ timeout: LIMIT_MILLIS });
  const millis = performance.now() - start;
  const [report] = Object.values(destinations);
  if (report?.delivered !== COUNT)
    throw new Error(`only ${report?.delivered} were delivered: ${report?.problem?.message}`);
  await run.finish();
  return millis;
}

async function post(url: string, path: string, body: object): Promise<unknown> {
  const response = await fetch(`${url}/api/2.0/mlflow/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return await response.json();
}

async function raw(url: string): Promise<number> {
  const start = performance.now();
  const made = (await post(url, "runs/create", { experiment_id: "0", start_time: Date.now() })) as {
    run: { info: { run_id: string } };
  };
  const { run_id } = made.run.info;
  for (let first = 0; first < COUNT; first += BATCH) {
    const metrics = Array.from({ length: BATCH }, (_, index) => ({
      key: (first + index) % 2 === 0 ? "loss" : "accuracy",
      step: (first + index) >> 1,
      timestamp: Date.now(),
      value: valueAt(first + index),
    }));
    await post(url, "runs/log-batch", { run_id, metrics });
  }
  return performance.now() - start;
}

async function compare(workers: number): Promise<string[]> {
  const server = await startMlflow({ workers });
  const folder = mkdtempSync(join(tmpdir(), "runlog-bench-"));
  try {
    let made = 0;
    const mine = (): Promise<number> => ours(server.url, join(folder, `store-${made++}`));
    const { ours: millis, raw: bare, ratio } = await interleave(TRIES, mine, () => raw(server.url));
    const perSecond = (time: number): string => figure((COUNT / time) * 1_000);
    return [
      `${workers} ${workers === 1 ? "worker" : "workers"}`,
      perSecond(millis),
      perSecond(bare),
      figure(ratio),
    ];
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

if (needs("mlflow")) {
  const head = ["50,000 observations to MLflow", "a second", "raw log-batch, a second", "times slower"];
  publish("delivery", [head, await compare(1), await compare(4)]);
}
