import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mlflow } from "../../../src/destinations/mlflow/index.ts";
import { needs } from "../../env/find.ts";
import { type Mlflow, startMlflow } from "../../env/mlflow-server.ts";
import { deliver, emptyEntry, hold, startWriter } from "./harness.ts";
import { type CountingProxy, startProxy } from "./proxy.ts";
import { patient, runId } from "./real-server.ts";
import { history, rest, runsOf, sorted, triples } from "./server-rest.ts";

describe.skipIf(!needs("mlflow"))("MLflow's file store, which keeps what comes again", patient, () => {
  let server: Mlflow;
  let proxy: CountingProxy;
  beforeAll(async () => {
    server = await startMlflow({ keeps: "files" });
    proxy = await startProxy(server.url);
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  it("doubles a batch that is sent twice, so that the next test can tell", async () => {
    const { run } = (await rest(server.url, "runs/create", { experiment_id: "0" })) as {
      run: { info: { run_id: string } };
    };
    const batch = { run_id: run.info.run_id, metrics: [{ key: "loss", value: 1, timestamp: 1, step: 1 }] };
    for (let times = 0; times < 2; times++) await rest(server.url, "runs/log-batch", batch);
    expect(await history(server.url, batch.run_id, "loss")).toHaveLength(2);
  });

  it("has each metric once, though every reply is lost once and the ledger after that", async () => {
    const held = hold();
    const writer = startWriter(held, {
      tag: "files",
      parameters: { lr: { json: 1 } },
      labels: { phase: "a" },
    });
    const odd = [Number.NaN, Infinity, -Infinity, -0, 5e-324, 0.1 + 0.2];
    for (let step = 0; step < 1_500; step++) {
      writer.track("loss", odd[step % 10] ?? step / 7, step);
      writer.track("accuracy", step, step % 9, "evaluate");
    }
    writer.record({ type: "finish", status: "SUCCESS", time: 1_763_888_999_000 });
    writer.close();
    const lost = new Set<string>();
    proxy.act = ({ method, path, body }) => {
      if (method === "GET" || path.includes("search")) return "pass";
      const name = `${path} ${body}`;
      if (lost.has(name)) return "pass";
      lost.add(name);
      return "lose";
    };
    const destination = mlflow(proxy.url);
    const untilDone = async (): Promise<void> => {
      let state = "";
      for (let tries = 0; state !== "done" && tries < 40; tries++)
        ({ state } = await deliver(held, destination));
      expect(state).toBe("done");
    };
    await untilDone();
    const compare = async (): Promise<void> => {
      expect(await runsOf(server.url, held.uid)).toMatchObject([{ stage: "active", status: "FINISHED" }]);
      const { tracked } = writer;
      for (const [name, key] of Object.entries({ loss: "loss", "evaluate/accuracy": "accuracy" })) {
        const here = sorted(triples(tracked.filter((each) => each.key === key)));
        const there = await history(server.url, runId(held), name);
        const clipped = there.map(([step, time, value]) => [step, time, stored(value)]);
        expect(sorted(clipped)).toEqual(here);
      }
    };
    await compare();
    expect(destination.notice?.(held.entry)).toMatch(/twice/);
    held.entry = emptyEntry();
    lost.clear();
    await untilDone();
    await compare();
  });
});

/** The file store gives infinities and -0 back as they are. */
function stored(value: number): number {
  return triples([{ task: "", key: "", step: 0, time: 0, value }])[0]?.[2] ?? value;
}
