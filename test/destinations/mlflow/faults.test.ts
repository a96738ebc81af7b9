import { rm } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { Answer, Call } from "../../../src/http/answer.ts";
import { createCaller } from "../../../src/http/caller.ts";
import { needs } from "../../env/find.ts";
import { deliver, emptyEntry, hold, startWriter } from "./harness.ts";
import { patient, realServer, runId } from "./real-server.ts";
import { history, readByPython, rest, runsOf, sorted, triples } from "./server-rest.ts";

const done = { state: "done" };

describe.skipIf(!needs("mlflow"))("faults on the way to a real MLflow server", patient, () => {
  const real = realServer();

  it("ends with one run and no double when replies are lost", async () => {
    const held = hold();
    const writer = startWriter(held, { tag: "lost", parameters: { a: { json: 1 } } });
    for (let step = 0; step < 2_500; step++) writer.track("loss", step, step);
    writer.record({ type: "finish", status: "SUCCESS", time: 1_763_888_999_000 });
    writer.close();
    const lost = new Set<string>();
    real.proxy.act = ({ method, path, body }) => {
      const name = `${method} ${path} ${body}`;
      if (lost.has(name)) return "pass";
      lost.add(name);
      return "lose";
    };
    let tries = 0;
    for (let state = ""; state !== "done" && tries < 60; tries++)
      state = (await deliver(held, real.destination)).state;
    expect(held.entry.state["run"]).toBeDefined();
    const runs = await runsOf(real.url, held.uid);
    expect(runs).toEqual([{ id: runId(held), stage: "active", status: "FINISHED" }]);
    expect(sorted(await history(real.url, runId(held), "loss"))).toEqual(sorted(triples(writer.tracked)));
    expect(held.entry.delivered).toBe(2_500);
    expect(real.batches()).toHaveLength(8); // params and three batches, each twice
  });

  it("sets a poisoned item aside with the server's words, in about 2 log2 n requests", async () => {
    const held = hold();
    const writer = startWriter(held);
    for (let step = 0; step < 1_000; step++) writer.track("loss", step === 637 ? 666.5 : step, step);
    writer.close();
    real.proxy.act = ({ body }) => {
      const message = "Invalid value 666.5 for parameter 'metrics[0].value'";
      if (!body.includes("666.5")) return "pass";
      return { status: 400, body: JSON.stringify({ error_code: "INVALID_PARAMETER_VALUE", message }) };
    };
    expect(await deliver(held, real.destination)).toEqual(done);
    expect(held.aside).toHaveLength(1);
    expect(held.aside[0]).toMatchObject({
      writer: writer.id,
      seq: 0,
      index: 637,
      item: { key: "loss", step: 637 },
    });
    expect(held.aside[0]?.reason).toContain("INVALID_PARAMETER_VALUE: Invalid value 666.5");
    expect(held.entry).toMatchObject({ delivered: 999, setAside: 1 });
    expect(real.batches().length).toBeLessThanOrEqual(2 * 10 + 2);
    expect(await history(real.url, runId(held), "loss")).toHaveLength(999);
    real.proxy.seen.length = 0;
    expect(await deliver(held, real.destination)).toEqual(done);
    expect(real.proxy.seen).toEqual([]);
  });

  it("learns from a 413 how much a request may hold, and remembers it", async () => {
    const held = hold();
    const writer = startWriter(held);
    for (let step = 0; step < 2_000; step++) writer.track("loss", step, step);
    writer.close();
    real.proxy.act = ({ body }) =>
      body.length > 20_000 ? { status: 413, body: "<html>", type: "text/html" } : "pass";
    expect(await deliver(held, real.destination)).toEqual(done);
    expect(held.entry.delivered).toBe(2_000);
    expect(await history(real.url, runId(held), "loss")).toHaveLength(2_000);
    expect(real.batches().filter((body) => body.length > 20_000).length).toBeLessThanOrEqual(3);
    const before = real.batches().length;
    for (let step = 2_000; step < 3_000; step++) writer.track("loss", step, step);
    writer.close();
    expect(await deliver(held, real.destination)).toEqual(done);
    expect(
      real
        .batches()
        .slice(before)
        .filter((body) => body.length > 20_000),
    ).toEqual([]);
  });

  it("makes one run of two hosts that begin at once", async () => {
    for (let round = 0; round < 4; round++) {
      const first = hold();
      const second = hold(first.run, first.uid);
      const writers = [first, second].map((held, at) => {
        const writer = startWriter(held, {
          tag: `race-${round}`,
          parameters: { a: { json: 1 }, b: { json: at } },
        });
        for (let step = 0; step < 50; step++) writer.track("loss", step + at / 2, step);
        writer.close();
        return writer;
      });
      const untilDone = async (held: typeof first, owner: boolean): Promise<void> => {
        for (let tries = 0; tries < 20; tries++) {
          const outcome = await deliver(held, real.destination, { owner });
          if (outcome.state === "done") return;
        }
        throw new Error("never done");
      };
      await Promise.all([untilDone(first, true), untilDone(second, false)]);
      // A loser learns of it at its next words, at the latest when somebody verifies.
      for (const held of [first, second])
        expect(await deliver(held, real.destination, { verify: true })).toEqual({ state: "done" });
      const active = (await runsOf(real.url, first.uid)).filter(({ stage }) => stage === "active");
      expect(active.map(({ id }) => id)).toEqual([runId(first)]);
      expect(runId(second)).toBe(runId(first));
      const wanted = sorted(triples(writers.flatMap(({ tracked }) => tracked)));
      expect(sorted(await history(real.url, runId(first), "loss"))).toEqual(wanted);
      expect([...first.aside, ...second.aside]).toEqual([]);
      const { params, tags } = await readByPython(real.url, runId(first));
      expect(params["a"]).toBe("1");
      expect([params["b"], tags["runlog.param.b"]].sort()).toEqual(["0", "1"]); // both values, the first as the param
    }
  });

  it("never shows an older tag after a newer one, though the ledger is lost and the replay breaks off", async () => {
    const held = hold();
    const writers = [startWriter(held, { labels: { phase: "0" } }), startWriter(held)];
    for (const writer of writers) writer.close();
    for (let count = 1; count <= 12; count++) {
      const writer = writers[count % 2] as (typeof writers)[0];
      writer.record({ type: "label", name: "phase", value: String(count), time: count });
      writer.record({ type: "parameter", name: "lr", json: count, time: count });
      writer.track("loss", count, count);
      writer.close();
    }
    const segments = held.segments.toSorted((one, other) => (one.writer < other.writer ? -1 : 1));
    const state = { maxBytes: 120 };
    held.entry = { ...held.entry, state };
    expect(await deliver(held, real.destination, { segments })).toEqual(done);
    const seen: string[] = [];
    const caller = createCaller(real.destination);
    const call = async (request: Call): Promise<Answer> => {
      const answer = await caller(request);
      if (!request.path.endsWith("/log-batch")) return answer;
      const { run } = (await rest(real.url, `runs/get?run_id=${runId(held)}`)) as {
        run: { data: { tags: { key: string; value: string }[]; params: { key: string; value: string }[] } };
      };
      const shown = [...run.data.tags, ...run.data.params].filter(({ key }) => /phase|lr/.test(key));
      seen.push(
        shown
          .map(({ key, value }) => `${key} ${value}`)
          .sort()
          .join(", "),
      );
      return answer;
    };
    for (let saves = 3; saves <= 9; saves += 3) {
      held.entry = { ...emptyEntry(), state };
      let left = saves;
      const saved = (): void => {
        if (--left === 0) throw new Error("crash");
      };
      await expect(deliver(held, real.destination, { segments, call, saved })).rejects.toThrow("crash");
    }
    expect(await deliver(held, real.destination, { segments, call })).toEqual(done);
    expect(seen.length).toBeGreaterThan(4);
    expect(new Set(seen)).toEqual(new Set(["lr 1, phase 12, runlog.param.lr 12"]));
    expect(await history(real.url, runId(held), "loss")).toHaveLength(12);
  });

  it("makes one run though the replies to what makes it are lost, some of them several times", async () => {
    for (let round = 0; round < 6; round++) {
      const held = hold();
      const writer = startWriter(held, { tag: `lost-${round}`, parameters: { a: { json: 1 } } });
      writer.track("loss", 1);
      writer.close();
      let losses = 1 + (round % 3);
      const lost = round < 3 ? /runs\/create/ : /runs\/(create|search)|experiments/;
      real.proxy.act = ({ path }) => (lost.test(path) && losses-- > 0 ? "lose" : "pass");
      let tries = 0;
      for (let state = ""; state !== "done" && tries < 10; tries++)
        ({ state } = await deliver(held, real.destination));
      expect(tries).toBeGreaterThan(1);
      expect(await runsOf(real.url, held.uid)).toHaveLength(1);
      expect(await history(real.url, runId(held), "loss")).toHaveLength(1);
    }
  });

  it("leaves what a person deleted, and goes to the twin where there is one", async () => {
    const held = hold();
    const writer = startWriter(held, { tag: "deleted" });
    writer.track("loss", 1);
    writer.close();
    expect(await deliver(held, real.destination)).toEqual(done);
    const first = runId(held);
    await rest(real.url, "runs/delete", { run_id: first });
    writer.track("loss", 2, 1);
    writer.close();
    expect(await deliver(held, real.destination)).toMatchObject({
      state: "park",
      problem: { code: "run_deleted" },
    });
    expect(
      await deliver({ ...hold(held.run, held.uid), segments: held.segments }, real.destination),
    ).toMatchObject({
      state: "park",
    });

    const experiment_id = (held.entry.state["experiment"] as { id: string }).id;
    const twins = await Promise.all(
      [1, 2].map(() =>
        rest(real.url, "runs/create", { experiment_id, tags: [{ key: "runlog.uid", value: held.uid }] }),
      ),
    );
    const ids = twins.map((each) => (each["run"] as { info: { run_id: string } }).info.run_id).sort();
    expect(await deliver(held, real.destination)).toEqual(done);
    expect(runId(held)).toBe(ids[0]);
    expect(held.entry.delivered).toBe(2);
    expect(await history(real.url, runId(held), "loss")).toHaveLength(2);

    // A ledger that knows nothing settles the twins: the smallest id wins.
    const other = { ...hold(held.run, held.uid), segments: held.segments };
    expect(await deliver(other, real.destination)).toEqual(done);
    expect(runId(other)).toBe(ids[0]);
    const runs = await runsOf(real.url, held.uid);
    expect(runs.filter(({ stage }) => stage === "active").map(({ id }) => id)).toEqual([ids[0]]);
    const loser = await readByPython(real.url, ids[1] as string);
    expect(loser.tags["runlog.twin"]).toBe(ids[0]);

    await rest(real.url, "experiments/delete", { experiment_id });
    writer.track("loss", 3, 2);
    writer.close();
    const outcome = await deliver(held, real.destination);
    expect(outcome).toMatchObject({ state: "pause", problem: { code: "experiment_deleted" } });
    const fresh = hold();
    startWriter(fresh, { tag: "deleted", parameters: { a: { json: 1 } } }).close();
    expect(await deliver(fresh, real.destination)).toMatchObject({ state: "pause" });
  });

  it.each([
    ["HTML of a login page", { status: 200, body: "<html>", type: "text/html" }, "retry"],
    ["nonsense JSON", { status: 200, body: "[1]" }, "retry"],
    ["JSON of another program", { status: 200, body: '{"spam":"ham"}' }, "retry"],
    ["401", { status: 401, body: "" }, "pause"],
    ["404 of another program", { status: 404, body: "not here", type: "text/plain" }, "pause"],
    ["400 that is not MLflow's", { status: 400, body: "Bad Request", type: "text/plain" }, "retry"],
    ["503", { status: 503, body: "" }, "retry"],
  ])("does not take %s for MLflow's word", async (_, answer, state) => {
    const held = hold();
    const writer = startWriter(held);
    writer.track("loss", 1);
    writer.close();
    real.proxy.act = () => answer;
    const outcome = await deliver(held, real.destination);
    expect(outcome.state).toBe(state);
    if (answer.status === 200) expect(outcome).toMatchObject({ problem: { code: "wrong_server" } });
    real.proxy.act = ({ path }) => (path.endsWith("log-batch") ? answer : "pass");
    expect((await deliver(held, real.destination)).state).toBe(state);
    expect(held.entry).toMatchObject({ delivered: 0, setAside: 0 });
    real.proxy.act = () => "pass";
    expect(await deliver(held, real.destination)).toEqual(done);
    expect(held.entry.delivered).toBe(1);
    expect(await runsOf(real.url, held.uid)).toHaveLength(1);
  });

  // Last, because it takes the others' runs away.
  it("gets everything in a new run when its database is replaced", async () => {
    const held = hold();
    const writer = startWriter(held, { tag: "wiped", parameters: { a: { json: 1 } } });
    writer.track("loss", 1);
    writer.close();
    expect(await deliver(held, real.destination)).toEqual(done);
    const first = runId(held);
    await real.server.kill();
    await rm(`${real.server.dir}/mlflow.db`);
    await real.server.restart();
    real.proxy.seen.length = 0;
    expect(await deliver(held, real.destination)).toEqual(done);
    expect(real.proxy.seen).toEqual([]); // nothing new, so nothing was asked
    expect(await deliver(held, real.destination, { verify: true })).toEqual(done);
    expect(runId(held)).not.toBe(first);
    const run = await readByPython(real.url, runId(held));
    expect(run.params).toEqual({ a: "1" });
    expect(run.history["loss"]).toHaveLength(1);
    expect(held.entry.delivered).toBe(1);
  });
});
