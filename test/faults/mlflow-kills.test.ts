import { rm } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { openStore } from "runlog";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { foldSegments } from "../../src/read/fold.ts";
import { filesystemStore } from "../../src/stores/filesystem/index.ts";
import { type Act, type CountingProxy, startProxy } from "../destinations/mlflow/proxy.ts";
import { history, rest, runsOf, sorted, stored } from "../destinations/mlflow/server-rest.ts";
import { needs } from "../env/find.ts";
import { type Mlflow, startMlflow } from "../env/mlflow-server.ts";
import { collect, startScript, temporaryFolder } from "./child.ts";
import { count } from "./count.ts";
import { randomFrom } from "./random.ts";

/** A client and a server that are killed at any time, on a network that loses most of what it carries. */

const seed = Number(process.env["RUNLOG_SEED"] ?? Date.now() % 1_000_000);
/** Four metrics each. */
const steps = count({ ci: 500, long: 2_500 });
const serverKills = count({ ci: 2, long: 12 });
const runId = "lives";

describe.skipIf(!needs("mlflow"))("MLflow", () => {
  const folder = temporaryFolder();
  let server: Mlflow;
  let proxy: CountingProxy;

  beforeAll(async () => {
    console.log(`RUNLOG_SEED=${seed}`);
    server = await startMlflow();
    proxy = await startProxy(server.url);
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
    folder.remove();
  });

  it(`holds ${steps * 4} observations exactly, one run, the last tags: 30 % lost replies, 20 % 5xx, 10 % resets, kills`, async () => {
    const random = randomFrom(seed);
    const ways = { lose: 0, reset: 0, broken: 0, pass: 0, kills: 0, restarts: 0, ledgers: 0 };
    proxy.act = () => {
      const act = actOf(random());
      ways[typeof act === "object" ? "broken" : act] += 1;
      return act;
    };
    let restarting: Promise<void> | undefined;
    for (let life = 1, ended = false; !ended; life++) {
      expect(life, JSON.stringify(ways)).toBeLessThan(steps);
      // Beyond the server's kills the lives are longer, so that there is an end.
      let turns = 3 + Math.floor(random() * (ways.restarts < serverKills ? 25 : 60));
      const kills = random();
      const args = [folder.path("store"), proxy.url, runId, String(life), String(steps)];
      const script = startScript("mlflow-life", {
        args,
        told: (line) => {
          if (line === "end") ended = true;
          if (--turns === 0) setTimeout(() => script.child.kill("SIGKILL"), kills * 40);
        },
      });
      const { code, stderr } = await script.ended;
      if (code !== null) expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      else ways.kills += 1;
      if (!ended && random() < 0.15) {
        ways.ledgers += 1;
        await rm(folder.path("store", ".journal", runId, "ledger"), { recursive: true, force: true });
      }
      // The server dies under the next life, at any time of it.
      if (!ended && ways.restarts < serverKills && life % 2 === 0) {
        await restarting;
        ways.restarts += 1;
        restarting = wait(random() * 800).then(() => server.restart());
      }
    }
    await restarting;
    console.log(JSON.stringify(ways));
    await compare();
    expect(risingPhases()).toEqual([]);
  }, 900_000);

  /** Everything that MLflow shows, against what the store holds. */
  async function compare(): Promise<void> {
    const store = filesystemStore(folder.path("store"));
    const state = foldSegments(await collect(store.segments(runId)));
    if (state === undefined) throw new Error("the store holds no run");
    const rows = await openStore(folder.path("store")).rows(runId);
    const of = (task: string, key: string): (readonly [number, number, unknown])[] =>
      rows
        .filter((row) => row.task === task && row.key === key)
        .map(({ step, time, value }) => [step, time, typeof value === "number" ? stored(value) : value]);
    const active = (await runsOf(server.url, state.uid)).filter(({ stage }) => stage === "active");
    expect(active).toMatchObject([{ status: "FINISHED" }]);
    const id = active[0]?.id ?? "";
    const names = { loss: "main", accuracy: "main", odd: "main", "evaluate/loss": "evaluate" };
    for (const [name, task] of Object.entries(names)) {
      const here = of(task, name.replace("evaluate/", ""));
      expect(new Set(here.map(([step]) => step)).size).toBe(steps);
      expect(sorted(await history(server.url, id, name)), name).toEqual(sorted(here));
    }
    const { run } = (await rest(server.url, `runs/get?run_id=${id}`)) as {
      run: { data: Record<"params" | "tags" | "metrics", { key: string; value: string }[]> };
    };
    const texts = (kind: "params" | "tags"): Record<string, string> =>
      Object.fromEntries(run.data[kind].map(({ key, value }) => [key, value]));
    expect(run.data.metrics.map(({ key }) => key).sort()).toEqual(Object.keys(names).sort());
    const verdicts = of("main", "verdict").map(([, , text]) => String(text));
    const notes = of("main", "note").map(([step, , text]) => [`note_${step}`, String(text)]);
    expect(texts("params")).toEqual({
      ...Object.fromEntries(notes),
      fixed: "as ever",
      lr: String(state.parameters.get("lr")?.json),
      verdict_0: verdicts[0],
    });
    const tags = texts("tags");
    expect(tags).toMatchObject({ phase: state.labels.get("phase"), "runlog.uid": state.uid });
    expect(tags["runlog.param.lr"]).toBe(
      state.changes.length === 0 ? undefined : String(state.changes.at(-1)?.stored.json),
    );
    expect(tags["verdict_0"]).toBe(new Set(verdicts).size === 1 ? undefined : verdicts.at(-1));
  }

  /** Requests whose phase is older than one that was sent before. */
  function risingPhases(): string[] {
    let latest = 0;
    return proxy.seen.flatMap(({ path, body }) => {
      const tags = path.endsWith("/log-batch")
        ? (JSON.parse(body) as { tags?: { key: string; value: string }[] }).tags
        : [];
      const phase = Number(tags?.find(({ key }) => key === "phase")?.value ?? latest);
      const older = phase < latest ? [`${phase} after ${latest}`] : [];
      latest = Math.max(latest, phase);
      return older;
    });
  }
});

function actOf(draw: number): Act {
  if (draw < 0.3) return "lose";
  if (draw < 0.5) return { status: 500 + (Math.floor(draw * 100) % 5), body: "<html>", type: "text/html" };
  return draw < 0.6 ? "reset" : "pass";
}
