import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mlflow } from "../../src/destinations/mlflow/index.ts";
import { openStore, type RunSummary, resumeRun, startRun } from "../../src/node.ts";
import { cli } from "../cli/cli.ts";
import { type CountingProxy, startProxy } from "../destinations/mlflow/proxy.ts";
import { history, rest, runsOf } from "../destinations/mlflow/server-rest.ts";
import { needs } from "../env/find.ts";
import { type Mlflow, startMlflow } from "../env/mlflow-server.ts";
import { startScript } from "./child.ts";

/** The whole way to a real MLflow server, with each side ended in the middle. */

const count = 20_000;

describe.skipIf(!needs("mlflow"))("to MLflow, whatever ends", { timeout: 180_000 }, () => {
  let server: Mlflow;
  let proxy: CountingProxy;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "runlog-to-mlflow-"));
    server = await startMlflow();
    proxy = await startProxy(server.url);
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Metrics that crossed the wire so far. */
  const crossed = (): number =>
    proxy.seen
      .filter(({ path }) => path.endsWith("/log-batch"))
      .reduce(
        (sum, { body }) => sum + ((JSON.parse(body) as { metrics?: unknown[] }).metrics?.length ?? 0),
        0,
      );

  const steps = async (uid: string): Promise<number[]> => {
    const runs = (await runsOf(server.url, uid)).filter(({ stage }) => stage === "active");
    expect(runs).toHaveLength(1);
    const points = await history(server.url, runs[0]?.id ?? "", "loss");
    return points.map(([step]) => step).sort((one, other) => one - other);
  };
  const all = Array.from({ length: count }, (_, step) => step);

  it("is told by `sync --verify` what its database lost of a run, and gets it back by `--again`, nothing twice", async () => {
    const store = join(folder, "again");
    const run = startRun({
      store,
      syncTo: [mlflow(server.url)],
      labels: { phase: "last" },
      parameters: { lr: 0.1 },
      quiet: true,
    });
    for (let step = 0; step < 2_000; step++) run.track({ loss: step / 3 }, { step });
    await run.finish("SUCCESS", { timeout: 60_000 });
    const kept = await steps(run.uid);
    expect(kept).toEqual(all.slice(0, 2_000));
    // Somebody else's hand, and a database that lost a part.
    const [{ id = "" } = {}] = await runsOf(server.url, run.uid);
    await rest(server.url, "runs/set-tag", { run_id: id, key: "phase", value: "other" });
    await rest(server.url, "runs/update", { run_id: id, status: "FAILED" });
    await server.kill();
    const database = new DatabaseSync(join(server.dir, "mlflow.db"));
    expect(Number(database.prepare("DELETE FROM metrics WHERE step >= 700").run().changes)).toBe(1_300);
    expect(Number(database.prepare("DELETE FROM params WHERE key = 'lr'").run().changes)).toBe(1);
    database.close();
    await server.restart();
    expect(await steps(run.uid)).toHaveLength(700);
    expect(await cli(["sync", "--store", store])).toMatchObject({ code: 0 });
    expect(await steps(run.uid)).toHaveLength(700); // a plain sync believes what was confirmed
    const verified = await cli(["sync", "--verify", "--store", store]);
    expect(verified).toMatchObject({ code: 3, stderr: expect.stringContaining("runlog sync --again") });
    expect(verified.stdout).toContain(
      `  ${run.id}: 1300 of 2000 metrics missing, 1 of 1 params missing, 1 of 1 tags differ, another status\n`,
    );
    const again = await cli(["sync", "--again", "--verify", "--store", store]);
    expect(again).toMatchObject({ code: 0, stderr: "" });
    expect(again.stdout).toContain("delivered 2000, pending 0");
    expect(again.stdout).toContain(`  ${run.id}: verified 2000 metrics, 1 params, 1 tags\n`);
    expect(await steps(run.uid)).toEqual(kept);
  });

  it("sends at most one batch twice when the client is killed, and nothing more when asked again", async () => {
    const store = join(folder, "killed");
    let bursts = 0;
    const script = startScript("to-mlflow", { args: [store, proxy.url], told: () => bursts++ });
    await expect.poll(() => crossed(), { timeout: 60_000, interval: 20 }).toBeGreaterThan(2_000);
    script.child.kill("SIGKILL");
    await script.ended;
    const opened = openStore(store);
    let summary: RunSummary | undefined;
    for await (const each of opened.runs()) summary = each;
    if (summary === undefined) throw new Error("the killed script left no run");
    expect(summary.observations).toBeGreaterThanOrEqual(bursts * 2_000);
    await opened.sync(mlflow(proxy.url), [summary.run], { timeout: 60_000 });
    expect(await steps(summary.uid)).toEqual(all.slice(0, summary.observations));
    expect(crossed()).toBeLessThanOrEqual(summary.observations + 1_000);
    const before = crossed();
    await opened.sync(mlflow(proxy.url), [summary.run], { timeout: 60_000 });
    expect(crossed()).toBe(before);
    await opened.close();
  });

  it("sends at most one batch twice when the server is killed, and goes on by itself", async () => {
    const before = crossed();
    const first = proxy.seen.length;
    const run = startRun({ store: join(folder, "server"), syncTo: [mlflow(proxy.url)], quiet: true });
    for (const step of all) run.track({ loss: step / 7 }, { step });
    const finished = run.finish(undefined, { timeout: 100_000 });
    await expect.poll(() => crossed() - before, { timeout: 60_000, interval: 5 }).toBeGreaterThan(3_000);
    await server.restart();
    const report = await finished;
    expect(await settled(run)).toBe("done");
    expect(report.tracked).toBe(count);
    expect(await steps(run.uid)).toEqual(all);
    const sent = proxy.seen.slice(first).filter(({ path }) => path.endsWith("/log-batch"));
    const bodies = new Map<string, number>();
    for (const { body } of sent) bodies.set(body, (bodies.get(body) ?? 0) + 1);
    // While it was down the batch in flight was tried again and again, in the same bytes, and no other.
    expect([...bodies.values()].filter((times) => times > 1)).toHaveLength(1);
  });

  it("says how many observations it still shows after a rewind", async () => {
    const options = {
      store: join(folder, "rewound"),
      syncTo: [mlflow(server.url)],
      quiet: true,
      key: "cell",
    };
    const first = await resumeRun(options);
    for (let step = 0; step < 10; step++) first.track({ loss: step }, { step });
    await first.sync({ timeout: 60_000 });
    const again = await resumeRun({ ...options, rewindTo: 4 });
    for (let step = 4; step < 6; step++) again.track({ loss: -step }, { step });
    await first.finish(undefined, { timeout: 60_000 });
    const report = await again.finish(undefined, { timeout: 60_000 });
    expect(Object.values(report.destinations)[0]).toMatchObject({
      state: "done",
      delivered: 12,
      pending: 0,
      superseded: 6,
    });
    expect(await steps(again.uid)).toEqual([0, 1, 2, 3, 4, 4, 5, 5, 6, 7, 8, 9]);
    const { value } = await openStore(options.store).series(again.id, "loss");
    expect([...value]).toEqual([0, 1, 2, 3, -4, -5]);
  });

  it("sends everything to a new run once the server's database is gone", async () => {
    const store = join(folder, "wiped");
    const run = startRun({ store, syncTo: [mlflow(server.url)], quiet: true });
    for (let step = 0; step < 100; step++) run.track({ loss: step }, { step });
    const report = await run.finish(undefined, { timeout: 60_000 });
    expect(Object.values(report.destinations)[0]?.state).toBe("done");
    await server.kill();
    await rm(join(server.dir, "mlflow.db"));
    await server.restart();
    expect((await rest(server.url, "runs/search", { experiment_ids: ["0"] })).runs).toBeUndefined();
    const opened = openStore(store);
    await opened.sync(mlflow(server.url), [run.id], { timeout: 60_000 });
    expect(await steps(run.uid)).toEqual(all.slice(0, 100));
    await opened.close();
  });

  /** The courier tries again by itself after the report. */
  async function settled(run: ReturnType<typeof startRun>): Promise<string | undefined> {
    const state = async (): Promise<string | undefined> =>
      Object.values((await run.sync({ timeout: 30_000 })).destinations)[0]?.state;
    await expect.poll(state, { timeout: 100_000, interval: 500 }).toBe("done");
    return state();
  }
});
