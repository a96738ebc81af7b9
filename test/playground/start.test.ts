import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openStore } from "runlog";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { needs, strict } from "../env/find.ts";
import { type Mlflow, startMlflow } from "../env/mlflow-server.ts";

vi.setConfig({ testTimeout: 120_000 });

const root = fileURLToPath(new URL("../../", import.meta.url));
const built = existsSync(join(root, "dist/node.js"));
if (!built) process.stderr.write("skipped: npm start needs dist; run npm run build\n");

/** What `npm start -- --once` does, as a process of its own that uses the built package. */
describe.skipIf(!built && !strict())("npm start --once", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "runlog-start-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test("trains, delivers and reads back the same", async () => {
    const { code, output } = await start(folder, {});
    expect(output).toMatch(/test accuracy 9\d\.\d %/);
    expect(output).toMatch(/^loss +528 steps +528 steps +equal$/m);
    expect(output).toMatch(/^run log .* equal$/m);
    expect(code, output).toBe(0);
  });

  test.skipIf(!needs("mlflow"))("run log, run-log store and MLflow hold the same series", async () => {
    const mlflow = await startMlflow();
    try {
      const { code, output } = await start(folder, { MLFLOW_TRACKING_URI: mlflow.url });
      expect(code, output).toBe(0);
      const [, run = "", id = ""] = /^run (\S+): [\s\S]*\/runs\/([0-9a-f]{32}): /m.exec(output) ?? [];
      for (const key of ["loss", "accuracy", "test_accuracy"]) {
        const here = await kept(join(folder, "node"), run, key);
        expect(here.length).toBe(key === "test_accuracy" ? 12 : 528);
        expect(await kept(join(folder, "server"), run, key)).toEqual(here);
        expect(await history(mlflow, id, key)).toEqual(here);
      }
    } finally {
      await mlflow.stop();
    }
  });
});

type Point = readonly [step: number, time: number, value: number];

async function kept(store: string, run: string, key: string): Promise<Point[]> {
  const opened = openStore(store);
  const { step, time, value } = await opened.series(run, key);
  await opened.close();
  return Array.from(step, (each, row) => [each, time[row] as number, value[row] as number]);
}

/** MLflow's own words, sorted by step. */
async function history({ url }: Mlflow, run: string, key: string): Promise<Point[]> {
  const query = new URLSearchParams({ run_id: run, metric_key: key, max_results: "1000" });
  const response = await fetch(`${url}/api/2.0/mlflow/metrics/get-history?${query}`);
  const { metrics } = (await response.json()) as {
    metrics: { step: number; timestamp: number; value: number }[];
  };
  const points = metrics.map(({ step, timestamp, value }): Point => [step, timestamp, value]);
  return points.sort(([one], [other]) => one - other);
}

async function start(
  folder: string,
  env: Record<string, string>,
): Promise<{ code: unknown; output: string }> {
  const { MLFLOW_TRACKING_URI: _, RUNLOG_SERVER: __, ...inherited } = process.env;
  const child = spawn(process.execPath, ["playground/start.ts", "--once", "--folder", folder], {
    cwd: root,
    env: { ...inherited, ...env },
  });
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
  }
  const code = await new Promise((resolve) => child.once("close", resolve));
  process.off("exit", kill);
  return { code, output };
}
