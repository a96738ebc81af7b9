/** Reading a real MLflow server in tests: by REST and by MLflow's own Python client. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { python } from "../../env/find.ts";
import type { Tracked } from "./harness.ts";

export interface RunSeen {
  readonly status: string;
  readonly params: Record<string, string>;
  readonly tags: Record<string, string>;
  /** key -> [step, time, value] in any order; values as Python writes floats. */
  readonly history: Record<string, [step: number, time: number, value: string][]>;
}

const script = fileURLToPath(new URL("./read-run.py", import.meta.url));

/** The run as MLflow's own client reads it. */
export async function readByPython(url: string, run: string): Promise<RunSeen> {
  const interpreter = python("mlflow") ?? "python3";
  const { stdout } = await promisify(execFile)(interpreter, [script, url, run], { maxBuffer: 1 << 28 });
  return JSON.parse(stdout) as RunSeen;
}

/** One call of the REST API; the parsed answer whatever its status. */
export async function rest(url: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/api/2.0/mlflow/${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return (await response.json()) as Record<string, unknown>;
}

/** A metric's history by REST: [step, time, value]. */
export async function history(url: string, run: string, key: string): Promise<[number, number, number][]> {
  const { metrics = [] } = (await rest(
    url,
    `metrics/get-history?${new URLSearchParams({ run_id: run, metric_key: key })}`,
  )) as {
    metrics?: { step: number; timestamp: number; value: number | string }[];
  };
  return metrics.map(({ step, timestamp, value }) => [Number(step), Number(timestamp), Number(value)]);
}

/** All runs of a uid, also deleted ones. */
export async function runsOf(
  url: string,
  uid: string,
): Promise<{ id: string; stage: string; status: string }[]> {
  const found = (await rest(url, "experiments/search", { max_results: 1_000, view_type: "ALL" })) as {
    experiments: { experiment_id: string }[];
  };
  const { runs = [] } = (await rest(url, "runs/search", {
    experiment_ids: found.experiments.map((each) => each.experiment_id),
    filter: `tags.\`runlog.uid\` = '${uid}'`,
    run_view_type: "ALL",
  })) as { runs?: { info: { run_id: string; lifecycle_stage: string; status: string } }[] };
  return runs.map(({ info }) => ({ id: info.run_id, stage: info.lifecycle_stage, status: info.status }));
}

/** A number as it comes back: infinities as the largest double, -0 as 0. */
export function stored(value: number): number {
  if (Number.isFinite(value)) return value === 0 ? 0 : value;
  return Number.isNaN(value) ? value : Math.sign(value) * Number.MAX_VALUE;
}

/** [step, time, value as it comes back]. */
export const triples: (all: readonly Tracked[]) => [number, number, number][] = (all) =>
  all.map(({ step, time, value }) => [step, time, stored(value as number)]);

/** Rows as texts in one order, to compare without regard to theirs. */
export const sorted: (all: readonly (readonly unknown[])[]) => string[] = (all) =>
  all.map((each) => each.map(String).join(" ")).sort();
