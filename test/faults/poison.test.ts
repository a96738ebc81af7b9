import { openStore, startRun } from "runlog";
import { mlflow } from "runlog/mlflow";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startProxy } from "../destinations/mlflow/proxy.ts";
import { history, runsOf } from "../destinations/mlflow/server-rest.ts";
import { needs } from "../env/find.ts";
import { type Mlflow, startMlflow } from "../env/mlflow-server.ts";
import { temporaryFolder } from "./child.ts";
import { randomFrom } from "./random.ts";

/** Records that a server refuses for good, with all that is sent beside them: MLflow applies nothing of such a batch. */

const seed = Number(process.env["RUNLOG_SEED"] ?? Date.now() % 1_000_000);
const total = 25_000;
const poisons = 7;
const batch = 1_000;

describe.skipIf(!needs("mlflow"))("poison", () => {
  const folder = temporaryFolder();
  let server: Mlflow;

  beforeAll(async () => {
    process.stderr.write(`poison: RUNLOG_SEED=${seed}\n`);
    server = await startMlflow();
  });
  afterAll(async () => {
    await server?.stop();
    folder.remove();
  });

  it(`${poisons} records in ${total}: the others arrive once, each is set aside with the server's words`, async () => {
    const random = randomFrom(seed);
    const bad = new Set<number>();
    while (bad.size < poisons) bad.add(Math.floor(random() * total));
    const proxy = await startProxy(server.url);
    const refusal = { error_code: "INVALID_PARAMETER_VALUE", message: "this step is not wanted here" };
    proxy.act = ({ path, body }) =>
      path.endsWith("/log-batch") && metricsOf(body).some(({ step }) => bad.has(step))
        ? { status: 400, body: JSON.stringify(refusal) }
        : "pass";
    try {
      const store = folder.path("store");
      const destination = mlflow(proxy.url);
      const run = startRun({ store, syncTo: [destination], quiet: true });
      for (let step = 0; step < total; step++) run.track({ loss: step / 3 }, { step });
      const report = await run.finish("SUCCESS", { timeout: 120_000 });
      expect(report.destinations[proxy.url]).toMatchObject({
        state: "done",
        delivered: total - poisons,
        setAside: poisons,
        pending: 0,
      });
      const [there] = await runsOf(server.url, run.uid);
      const points = await history(server.url, there?.id ?? "", "loss");
      const expected = Array.from({ length: total }, (_, step) => step).filter((step) => !bad.has(step));
      expect(points.map(([step]) => step).sort((a, b) => a - b)).toEqual(expected);
      expect(there?.status).toBe("FINISHED");

      const requests = proxy.seen.filter(({ path }) => path.endsWith("/log-batch")).length;
      const straight = Math.ceil(total / batch);
      expect(requests).toBeLessThanOrEqual(straight + 2 + poisons * (2 * Math.ceil(Math.log2(batch)) + 2));
      expect((await openStore(store).runLog(run.id)).status).toBe("SUCCESS");
      proxy.seen.length = 0;
      await run.sync();
      expect(proxy.seen.filter(({ path }) => path.endsWith("/log-batch"))).toEqual([]);
    } finally {
      await proxy.stop();
    }
  }, 180_000);
});

function metricsOf(body: string): readonly { readonly step: number }[] {
  return (JSON.parse(body) as { metrics?: { step: number }[] }).metrics ?? [];
}
