import { openStore } from "runlog";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cli } from "../cli/cli.ts";
import { needs } from "../env/find.ts";
import { type Mlflow, startMlflow } from "../env/mlflow-server.ts";
import { collect, type Ended, inParallel, startScript, temporaryFolder } from "./child.ts";
import { type Ending, endings } from "./endings.ts";

const withMlflow = needs("mlflow");
const folder = temporaryFolder();
const store = folder.path("store");
const ends = new Map<string, Ended>();
let server: Mlflow | undefined;

async function runOne({ name, sent }: Ending, env: Record<string, string>): Promise<Ended> {
  const script = startScript("ending", { args: [name], env });
  if (sent !== undefined) {
    await script.firstLine();
    script.child.kill(sent);
  }
  return await script.ended;
}

beforeAll(async () => {
  if (withMlflow) server = await startMlflow();
  const env = { RUNLOG_STORE: store, ...(server !== undefined && { MLFLOW_TRACKING_URI: server.url }) };
  await inParallel(endings, 3, async (ending) => void ends.set(ending.name, await runOne(ending, env)));
}, 240_000);
afterAll(async () => {
  await server?.stop();
  folder.remove();
});

describe.each(endings)("a script that ends by $name", (ending) => {
  const { name, code = null, signal = null, status, message, tracked = 10 } = ending;

  it("ends as it would without runlog", async () => {
    const { code: plainCode, signal: plainSignal } = await runOne(ending, { PLAIN: "1" });
    expect({ code: plainCode, signal: plainSignal }).toEqual({ code, signal });
    expect(ends.get(name)).toMatchObject({ code, signal });
  });

  it(`leaves ${status} and all that it tracked on disk`, async () => {
    const opened = openStore(store);
    const [summary] = await collect(opened.runs({ where: { run: name } }));
    expect(summary?.status).toBe(status);
    const log = await opened.runLog(name);
    expect(log.status).toBe(status);
    expect((log.run_config.runlog as { message?: string }).message).toBe(message);
    expect(summary?.signal).toBe(signal ?? undefined);
    expect(await (await opened.export(name)).text()).not.toContain("caught by the script");
    const { step } = await opened.series(name, "loss");
    expect([...step]).toEqual(Array.from({ length: tracked }, (_, at) => at));
  });
});

it("a signal that a library handles ends the script as without runlog, with all that it tracked on disk", async () => {
  const ending = { name: "lonely-handler", sent: "SIGINT", status: "FAIL" } as const;
  for (const env of [{ PLAIN: "1" }, { RUNLOG_STORE: folder.path("lonely") }]) {
    expect(await runOne(ending, env)).toMatchObject({ code: null, signal: "SIGINT" });
  }
  expect((await openStore(folder.path("lonely")).series(ending.name, "loss")).step).toHaveLength(11);
});

it.skipIf(!withMlflow)("`runlog sync` brings every ending to MLflow", async () => {
  const synced = await cli(["sync", "--store", store]);
  expect(synced).toMatchObject({ code: 0, stderr: "" });
  const found = await mlflowRuns((server as Mlflow).url);
  const expected = endings.map(({ name, status, signal }) => {
    return [name, signal !== undefined ? "KILLED" : status === "SUCCESS" ? "FINISHED" : "FAILED"];
  });
  expect(found).toEqual(Object.fromEntries(expected));
});

/** Run name -> status, of all runs of the experiment `endings`. */
async function mlflowRuns(url: string): Promise<Record<string, string>> {
  const ask = async (path: string, body?: object): Promise<Record<string, unknown>> => {
    const init = body && {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    };
    return (await (await fetch(`${url}/api/2.0/mlflow/${path}`, init)).json()) as Record<string, unknown>;
  };
  const { experiment } = await ask("experiments/get-by-name?experiment_name=endings");
  const { experiment_id } = experiment as { experiment_id: string };
  const { runs } = await ask("runs/search", { experiment_ids: [experiment_id], max_results: 1_000 });
  const infos = (runs as { info: { run_name: string; status: string } }[]).map(({ info }) => info);
  expect(infos).toHaveLength(endings.length);
  return Object.fromEntries(infos.map(({ run_name, status }) => [run_name, status]));
}
