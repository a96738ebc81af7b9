import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium as playwright } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startRun } from "../../src/node.ts";
import { runLogStore } from "../../src/stores/remote.ts";
import { CHROMIUM_FLAGS } from "../browser/flags.ts";
import { type CountingProxy, startProxy } from "../destinations/mlflow/proxy.ts";
import { history, readByPython, runsOf } from "../destinations/mlflow/server-rest.ts";
import { chromium, needs } from "../env/find.ts";
import { type Mlflow, startMlflow } from "../env/mlflow-server.ts";
import { freePort } from "../env/process.ts";
import { gate } from "./pages/gate.ts";
import { bundlePage } from "./pages/host.ts";
import type { ObstaclePage } from "./pages/obstacles.ts";
import { listen, pageOf } from "./pages/sites.ts";
import { type KillableServer, startServer } from "./server.ts";

declare const page: ObstaclePage;

/** What a page sends: segments, one a line. */
interface Line {
  readonly records: readonly { readonly type: string; readonly step?: readonly number[] }[];
}

/** A run to a run-log store that forwards to a real MLflow server: every wire is counted. */

const count = 5_000;
const all = Array.from({ length: count }, (_, step) => step);

describe.skipIf(!needs("mlflow"))("runlog serve --forward", { timeout: 180_000 }, () => {
  let mlflow: Mlflow;
  let proxy: CountingProxy;
  let folder: string;
  let port: number;
  let server: KillableServer;

  beforeAll(async () => {
    mlflow = await startMlflow();
  });
  afterAll(() => mlflow?.stop());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "runlog-forward-"));
    port = await freePort();
    proxy = await startProxy(mlflow.url);
    server = await serve();
  });
  afterEach(async () => {
    await server?.kill();
    await proxy?.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const serve = (): Promise<KillableServer> =>
    startServer(join(folder, "server"), port, ["--forward", `mlflow+${proxy.url}`]);

  const batches = (): string[] =>
    proxy.seen.filter(({ path }) => path.endsWith("/log-batch")).map(({ body }) => body);
  const crossed = (): number =>
    batches().reduce((sum, body) => sum + ((JSON.parse(body) as { metrics?: [] }).metrics?.length ?? 0), 0);

  const active = async (uid: string): Promise<string | undefined> => {
    const runs = (await runsOf(mlflow.url, uid)).filter(({ stage }) => stage === "active");
    expect(runs.length).toBeLessThanOrEqual(1);
    return runs[0]?.status === "FINISHED" ? runs[0].id : undefined;
  };
  const finished = async (uid: string): Promise<string> => {
    await expect.poll(() => active(uid), { timeout: 90_000, interval: 250 }).toBeDefined();
    return (await active(uid)) as string;
  };

  it("carries what it receives to MLflow, each observation once, its end and its run log", async () => {
    const toServer = await startProxy(server.url);
    const run = startRun({
      store: join(folder, "client"),
      tag: "forwarded",
      parameters: { lr: 0.1 },
      syncTo: [runLogStore(toServer.url)],
      quiet: true,
    });
    for (const step of all) run.track({ loss: step / 7 }, { step });
    const report = await run.finish(undefined, { timeout: 60_000 });
    await toServer.stop();
    expect(report.destinations[toServer.url]).toMatchObject({ state: "done", delivered: count, pending: 0 });
    const id = await finished(run.uid);
    const points = await history(mlflow.url, id, "loss");
    expect(points.map(([step, , value]) => [step, value]).sort(([a = 0], [b = 0]) => a - b)).toEqual(
      all.map((step) => [step, step / 7]),
    );
    expect(crossed()).toBe(count);
    const sent = toServer.seen.filter(({ method }) => method === "POST").map(({ body }) => body);
    expect(new Set(sent).size).toBe(sent.length);
    expect(await readByPython(mlflow.url, id)).toMatchObject({ status: "FINISHED", params: { lr: "0.1" } });
    await expect.poll(() => proxy.seen.some(({ path }) => path.endsWith("/run-log.json"))).toBe(true);
  });

  it.skipIf(!needs("chromium"))("carries a page's run, which needs no MLflow of its own", async () => {
    const sent: string[] = [];
    const counting = gate(server.url, ({ method }, body) => void (method === "POST" && sent.push(body)));
    const wire = await listen(counting);
    const site = await listen(pageOf(await bundlePage("obstacles")));
    const browser = await playwright.launch({ executablePath: chromium() as string, args: CHROMIUM_FLAGS });
    try {
      const tab = await browser.newPage();
      const query = new URLSearchParams({ run: "from-a-page", server: `http://127.0.0.1:${wire.port}` });
      await tab.goto(`http://localhost:${site.port}/?${query}`);
      await tab.waitForFunction(() => typeof page === "object");
      const report = await tab.evaluate(() => page.finish());
      const [there] = Object.values(report.destinations);
      expect(there).toMatchObject({ state: "done", delivered: 100, pending: 0 });
      const id = await finished(report.uid);
      const points = await history(mlflow.url, id, "loss");
      expect(points.map(([step, , value]) => [step, value]).sort(([a = 0], [b = 0]) => a - b)).toEqual(
        all.slice(0, 100).map((step) => [step, 1 / (step + 1)]),
      );
      expect(crossed()).toBe(100);
      expect(new Set(sent).size).toBe(sent.length);
      const lines = sent
        .flatMap((body) => body.trimEnd().split("\n"))
        .map((line) => JSON.parse(line) as Line);
      const metrics = lines.flatMap(({ records }) => records.filter(({ type }) => type === "metrics"));
      expect(metrics.flatMap(({ step = [] }) => step)).toEqual(all.slice(0, 100));
    } finally {
      await browser.close();
      await Promise.all([site.close(), wire.close()]);
    }
  });

  it("goes on after it was killed in the middle, with one batch twice at most", async () => {
    const run = startRun({ store: join(folder, "client"), syncTo: [runLogStore(server.url)], quiet: true });
    for (const step of all) run.track({ loss: step }, { step });
    await run.flush();
    await run.sync({ timeout: 60_000 });
    await expect.poll(crossed, { timeout: 60_000, interval: 5 }).toBeGreaterThan(0);
    await server.kill();
    server = await serve();
    await run.finish(undefined, { timeout: 60_000 });
    const id = await finished(run.uid);
    const points = await history(mlflow.url, id, "loss");
    expect(points.map(([step]) => step).sort((a, b) => a - b)).toEqual(all);
    const times = new Map<string, number>();
    for (const body of batches()) times.set(body, (times.get(body) ?? 0) + 1);
    expect([...times.values()].filter((each) => each > 1).length).toBeLessThanOrEqual(1);
    expect(crossed()).toBeLessThanOrEqual(count + 1_000);
  });

  it("forwards to MLflow only, and says so", async () => {
    const refused = startServer(join(folder, "other"), await freePort(), ["--forward", "ftp://nowhere"]);
    await expect(refused).rejects.toThrow(/--forward must be/);
  });
});
