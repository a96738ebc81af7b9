import { describe, expect, it } from "vitest";
import { needs } from "../../env/find.ts";
import { deliver, hold, startWriter, type Tracked } from "./harness.ts";
import { patient, realServer, runId } from "./real-server.ts";
import { history, readByPython, rest, runsOf, sorted, triples } from "./server-rest.ts";

const done = { state: "done" };

const metricsSent = (bodies: readonly string[]): number =>
  bodies.reduce((sum, body) => sum + ((JSON.parse(body) as { metrics?: unknown[] }).metrics?.length ?? 0), 0);

describe.skipIf(!needs("mlflow"))("a real MLflow server on sqlite", patient, () => {
  const real = realServer();

  it("holds 10,000 observations exactly as tracked, by REST and by its own client, each sent once", async () => {
    const held = hold();
    const writers = [
      startWriter(held, {
        tag: "digits",
        parameters: { lr: { json: 0.1 }, net: { json: [8, 8] } },
        labels: { team: "a" },
      }),
      startWriter(held),
    ];
    const keys = ["loss", "accuracy", "MAP@50", "loss[d=1]", "😀"];
    for (const [at, writer] of writers.entries()) {
      for (let index = 0; index < 4_000; index++) {
        const task = index % 10 < 2 && keys[index % 5] === "loss" ? "evaluate" : "main";
        writer.track(keys[index % 5] as string, at * 1e6 + index / 7, index, task, 1_763_888_000_000 + index);
        if (index % 900 === 899) writer.close();
      }
      for (let index = 0; index < 1_000; index++) writer.track("accuracy", at * 1e6, 5_000);
      writer.close();
    }
    expect(writers.flatMap(({ tracked }) => tracked)).toHaveLength(10_000);
    expect(await deliver(held, real.destination)).toEqual(done);
    expect(metricsSent(real.batches())).toBe(10_000);
    expect(real.batches()).toHaveLength(12); // 10,004 metrics and tags in eleven, and the params
    const run = await readByPython(real.url, runId(held));
    const names = { MAP_at_50: "MAP@50", loss_d_1_: "loss[d=1]", _: "😀" };
    for (const [name, key] of Object.entries(names)) expect(run.tags[`runlog.name.${name}`]).toBe(key);
    expect(Object.keys(run.history).sort()).toEqual(
      ["loss", "accuracy", "evaluate/loss", ...Object.keys(names)].sort(),
    );
    for (const name of Object.keys(run.history)) {
      const [key, task] =
        name === "evaluate/loss" ? ["loss", "evaluate"] : [names[name as "_"] ?? name, "main"];
      const tracked = writers.flatMap((writer) =>
        writer.tracked.filter((each) => each.key === key && each.task === task),
      );
      const wanted = sorted(triples(tracked));
      expect(sorted(await history(real.url, runId(held), name))).toEqual(wanted);
      expect(
        sorted((run.history[name] ?? []).map(([step, time, value]) => [step, time, Number(value)])),
      ).toEqual(wanted);
    }
    expect(run.params).toEqual({ lr: "0.1", net: "[8,8]" });
    expect(run.tags["team"]).toBe("a");
    expect(held.entry).toMatchObject({ delivered: 10_000, setAside: 0 });

    real.proxy.seen.length = 0;
    expect(await deliver(held, real.destination)).toEqual(done);
    expect(real.proxy.seen).toEqual([]);
  });

  it("holds every odd number, name, value and text", async () => {
    const held = hold();
    const writer = startWriter(held, { parameters: { lr: { json: 1 } } });
    const numbers = [
      Number.NaN,
      Infinity,
      -Infinity,
      -0,
      5e-324,
      1.7976931348623157e308,
      0.1 + 0.2,
      2 ** 53,
      -1e-7,
    ];
    for (const [step, value] of numbers.entries()) writer.track("odd", value, step);
    for (const step of [Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 0]) writer.track("far", 1, step);
    const keys = [
      "a@b",
      "a_at_b",
      "a//b",
      ".",
      "..",
      "/a",
      "x".repeat(200),
      "größe 日本",
      "#",
      "?",
      "a:b",
      "__proto__",
      "a b ",
    ];
    for (const [value, key] of keys.entries()) writer.track(key, value, 0);
    for (const [value, key] of keys.entries()) writer.track(key, value, 0, "y".repeat(100));
    writer.track("text", "z".repeat(10_000));
    writer.track("nul", "a\0b");
    writer.track("nothing", null);
    writer.track("object", { ham: "world" }, 3);
    writer.track("object", { ham: "moon" }, 3);
    for (let step = 0; step < 1_000; step++) writer.track("flag", step % 3 === 0, step);
    writer.record({ type: "parameter", name: "lr", json: 2, time: 1 });
    writer.close();
    expect(await deliver(held, real.destination)).toEqual(done);
    expect(held.aside).toEqual([]);
    expect(held.entry.delivered).toBe(writer.tracked.length);
    expect(held.entry.state["onlyInRunLog"]).toBe(900);
    const run = await readByPython(real.url, runId(held));
    const of = (key: string, task: string): Tracked[] =>
      writer.tracked.filter((each) => each.key === key && each.task === task);
    for (const key of ["odd", "far"]) {
      expect(sorted(await history(real.url, runId(held), key))).toEqual(sorted(triples(of(key, "main"))));
    }
    const others = Object.entries(run.history).filter(([name]) => name !== "odd" && name !== "far");
    expect(others).toHaveLength(2 * keys.length);
    for (const [name, rows] of others) {
      const original = run.tags[`runlog.name.${name}`] ?? name.replace(/^y{100}\//, "");
      const key = original.replace(/\ntask y{100}$/, "");
      expect(rows.map(([, , value]) => Number(value))).toEqual([keys.indexOf(key)]);
    }
    expect(run.params["lr"]).toBe("1");
    expect(run.tags["runlog.param.lr"]).toBe("2");
    expect(run.params["text_0"]).toBe(`${"z".repeat(5_999)}…`);
    expect(run.params["nul_0"]).toBe("a\ufffdb");
    expect(run.params["nothing_0"]).toBe("null");
    expect([run.params["object_3"], run.tags["object_3"]]).toEqual(['{"ham":"world"}', '{"ham":"moon"}']);
    const flags = Object.keys(run.params).filter((name) => name.startsWith("flag_"));
    expect(flags).toHaveLength(100);
    for (const name of flags) expect(run.params[name]).toBe(String(Number(name.slice(5)) % 3 === 0));
  });

  it("tells status, end and run log, and again when the run goes on", async () => {
    const held = hold();
    const writer = startWriter(held, { tag: "ends" });
    writer.track("loss", 1);
    writer.close();
    expect(await deliver(held, real.destination)).toEqual(done);
    expect(await runsOf(real.url, held.uid)).toEqual([
      { id: runId(held), stage: "active", status: "RUNNING" },
    ]);
    writer.record({ type: "finish", status: "FAIL", time: 1_763_888_999_000, signal: "SIGTERM" });
    writer.close();
    expect(await deliver(held, real.destination, { owner: false })).toEqual(done);
    expect((await runsOf(real.url, held.uid))[0]?.status).toBe("RUNNING");
    writer.record({ type: "finish", status: "FAIL", time: 1_763_888_999_000, signal: "SIGTERM" });
    writer.close();
    expect(await deliver(held, real.destination)).toEqual(done);
    const { run } = (await rest(real.url, `runs/get?run_id=${runId(held)}`)) as {
      run: { info: { end_time: number } };
    };
    expect(run.info).toMatchObject({ status: "KILLED", run_name: held.run, start_time: 1_763_888_000_000 });
    expect(run.info.end_time).toBe(1_763_888_999_000);
    const artifact = await fetch(`${real.url}/get-artifact?path=run-log.json&run_uuid=${runId(held)}`);
    expect(await artifact.json()).toMatchObject({ run_id: held.run });
    expect(held.entry.state["runLog"]).toBe("sent");
    expect(real.proxy.seen.filter(({ method }) => method === "PUT")).toHaveLength(1);

    writer.record({ type: "run", time: 1_763_889_000_000, uid: held.uid, store: "s" });
    writer.close();
    expect(
      await deliver(held, real.destination, { fold: { status: "PROCESSING", signal: undefined } }),
    ).toEqual(done);
    expect((await runsOf(real.url, held.uid))[0]?.status).toBe("RUNNING");
  });

  it("keeps the params of the first host, and another's as tags", async () => {
    const owner = hold();
    startWriter(owner, { parameters: { lr: { json: 1 }, same: { json: "x" } } }).close();
    expect(await deliver(owner, real.destination)).toEqual(done);
    const joined = hold(owner.run, owner.uid);
    startWriter(joined, {
      parameters: { lr: { json: 2 }, same: { json: "x" }, own: { json: true } },
    }).close();
    expect(await deliver(joined, real.destination, { owner: false })).toEqual(done);
    expect(runId(joined)).toBe(runId(owner));
    // A change that this host's ledger cannot know of: the server tells.
    startWriter(owner, { parameters: { own: { json: false }, lr: { json: 1 } } }).close();
    expect(await deliver(owner, real.destination)).toEqual(done);
    const run = await readByPython(real.url, runId(owner));
    expect(run.params).toEqual({ lr: "1", same: "x", own: "true" });
    expect(run.tags).toMatchObject({ "runlog.param.lr": "2", "runlog.param.own": "false" });
    expect(owner.aside).toEqual([]);
  });
});
