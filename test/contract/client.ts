import { defineMetrics, isRun, isRunlogError, metric } from "runlog";
import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { type ClientHost, collect, givenBy } from "./client-host.ts";

/** The client's promises, run on every store in every host. */
export function clientContract(name: string, host: ClientHost): void {
  const { api } = host;
  const options = givenBy(host);
  describe(`client on ${name}`, () => {
    it("reads back what was tracked, after a reopening", async () => {
      const given = await options({
        tag: "digits",
        parameters: { lr: 0.01, layers: [8, 4] },
        labels: { team: "a" },
      });
      const run = api.startRun(given);
      run.track({ loss: 0.5, accuracy: 0.1, note: "first" });
      run.track({ loss: 0.25, accuracy: 0.5 }, { step: 1 });
      run.track({ loss: Number.NaN }, { step: 2 });
      expect(await run.flush()).toBe(host.durable);
      const store = api.openStore(await host.reopen(given.store));
      const series = await store.series(run.id, "loss");
      expect([...series.step]).toEqual([0, 1, 2]);
      expect([...series.value]).toEqual([0.5, 0.25, Number.NaN]);
      expect((await store.rows(run.id, { key: "note" })).map((row) => row.value)).toEqual(["first"]);
      const report = await run.finish();
      expect(report).toMatchObject({
        run: run.id,
        status: "SUCCESS",
        tracked: 6,
        refused: 0,
        destinations: {},
      });
      const log = await store.runLog(run.id);
      expect(log.status).toBe("SUCCESS");
      expect(log.tag).toBe("digits");
      expect(log.parameters).toEqual({ lr: 0.01, layers: [8, 4] });
      const [summary] = await collect(
        store.runs({ tag: "digits", where: { "parameters.lr": { gte: 0.01 } } }),
      );
      expect(summary).toMatchObject({
        run: run.id,
        status: "SUCCESS",
        labels: { team: "a" },
        observations: 6,
      });
    });

    it("keeps the two examples of the concept as they are", async () => {
      const given = await options();
      const run = api.startRun(given);
      run.track({ spam: "hello", eggs: { ham: "world" } });
      for (let step = 0; step < 3; step++) run.track({ loss: step + 0.5 }, { step });
      await run.finish();
      const log = await api.openStore(given.store).runLog(run.id);
      expect(log.steps.main?.user_defined_metrics).toEqual({
        spam: "hello",
        eggs: { ham: "world" },
        loss: { "0": 0.5, "1": 1.5, "2": 2.5 },
      });
    });

    it("ends trackRun with the body: value, status and message", async () => {
      const given = await options();
      const ids: string[] = [];
      const value = await api.trackRun(given, async (run) => {
        ids.push(run.id);
        run.track({ loss: 1 });
        return 42;
      });
      expect(value).toBe(42);
      const failing = api.trackRun(given, (run) => {
        ids.push(run.id);
        run.track({ loss: 2 });
        throw new Error("out of eggs");
      });
      await expect(failing).rejects.toThrow("out of eggs");
      const store = api.openStore(given.store);
      expect((await store.runLog(ids[0] as string)).status).toBe("SUCCESS");
      expect((await store.runLog(ids[1] as string)).status).toBe("FAIL");
      expect((await store.series(ids[1] as string, "loss")).value).toEqual(Float64Array.of(2));
    });

    it("keeps the metrics of a failed task and fails the run, even when caught", async () => {
      const given = await options();
      const run = api.startRun(given);
      const body = run.task("evaluate", (task) => {
        task.track({ accuracy: 0.5 });
        throw new Error("no data");
      });
      await expect(body).rejects.toThrow("no data");
      const report = await run.finish();
      expect(report.status).toBe("FAIL");
      const log = await api.openStore(given.store).runLog(run.id);
      expect(log.steps.evaluate?.user_defined_metrics).toEqual({ accuracy: 0.5 });
      expect(log.steps.evaluate?.status).toBe("FAIL");
    });

    it("forgives a task whose later call succeeds", async () => {
      const run = api.startRun(await options());
      await run.task("fit", () => Promise.reject(new Error("once"))).catch(() => "expected");
      await run.task("fit", () => 1);
      expect((await run.finish()).status).toBe("SUCCESS");
    });

    it("gives the same observation no two places: steps, times and order", async () => {
      const given = await options();
      const run = api.startRun(given);
      for (let turn = 0; turn < 50; turn++) run.track({ loss: turn });
      run.track({ loss: 1 }, { step: "next" });
      run.track({ loss: 2 }, { step: "next" });
      await run.finish();
      const { step, time, value } = await api.openStore(given.store).series(run.id, "loss");
      expect([...value].slice(0, 50)).toEqual(Array.from({ length: 50 }, (_, turn) => turn));
      expect([...step].slice(50)).toEqual([1, 2]);
      expect(new Set([...step].map((each, row) => `${each} ${time[row]}`)).size).toBe(52);
    });

    it("stores nothing of a call with anything wrong in it", async () => {
      const given = await options();
      const run = api.startRun(given);
      const loop: Record<string, unknown> = {};
      loop.self = loop;
      const wrong: [Record<string, unknown>, RegExp][] = [
        [{ "": 1 }, /must not be empty/],
        [{ ["k".repeat(300)]: 1 }, /at most 200 characters, found 300/],
        [{ "a\nb": 1 }, /control characters/],
        [{ good: 1, bad: () => 1 }, /'bad' holds a function/],
        [{ good: 1, bad: Symbol("s") }, /'bad' holds a symbol/],
        [{ good: 1, bad: loop }, /'bad' holds itself/],
        [{ good: 1, bad: "x".repeat(10_000_000) }, /'bad' is over 1 MiB/],
        [{ good: 1, bad: new (class Weights {})() }, /'bad' holds a Weights/],
        [{ good: 1, bad: Promise.resolve(1) }, /'bad' is a Promise: await it/],
        [
          {
            good: 1,
            get bad(): number {
              throw new Error("no");
            },
          },
          /'bad' has a getter that throws/,
        ],
      ];
      for (const [values, message] of wrong) expect(() => run.track(values)).toThrow(message);
      for (const step of [1.5, Number.NaN, 2 ** 53, "3" as unknown as number]) {
        expect(() => run.track({ loss: 1 }, { step })).toThrow(/'step' must be an integer/);
      }
      run.track({ loss: 1 }, { step: -1 });
      run.track({ nothing: undefined });
      expect((await run.finish()).tracked).toBe(1);
      expect(await api.openStore(given.store).rows(run.id)).toHaveLength(1);
    });

    it("keeps what is tracked after the end, and the end", async () => {
      const given = await options();
      const run = api.startRun(given);
      run.track({ loss: 1 });
      await run.finish();
      await given.store.close();
      run.track({ loss: 2 }, { step: 1 });
      await run.flush();
      const store = api.openStore(await host.reopen(given.store));
      expect([...(await store.series(run.id, "loss")).value]).toEqual([1, 2]);
      expect((await store.runLog(run.id)).status).toBe("SUCCESS");
    });

    it("sets bad values aside where asked, and keeps the rest", async () => {
      const run = api.startRun(await options({ onInvalid: "report" }));
      run.track({ loss: 1, bad: () => 1 });
      const report = await run.finish();
      expect(report).toMatchObject({ tracked: 1, invalid: 1 });
      expect(report.lastInvalid).toMatch(/'bad' holds a function/);
    });

    it("holds values to the metric model and stores what the model encodes", async () => {
      const when = z.codec(z.string(), z.date(), {
        decode: (text) => new Date(text),
        encode: (date) => date.toISOString(),
      });
      const metrics = defineMetrics({ loss: metric({ goal: "min" }), note: z.string(), when });
      const given = await options();
      const run = api.startRun({ ...given, metrics });
      run.track({ loss: Number.POSITIVE_INFINITY, note: "n", when: new Date(0) });
      run.track({ loss: 0.5 }, { step: 1 });
      expect(() => run.track({ loss: "high" as unknown as number })).toThrow(/'loss'/);
      expect(() => run.track({ los: 1 } as Record<string, unknown>)).toThrow(
        /'los' is not in the metric model.*'loss'/,
      );
      await run.finish();
      const store = api.openStore(given.store);
      expect((await store.rows(run.id, { key: "when" }))[0]?.value).toBe("1970-01-01T00:00:00.000Z");
      const [summary] = await collect(store.runs());
      expect(summary?.metrics.loss).toMatchObject({ best: 0.5, bestStep: 1, last: 0.5 });
    });

    it("gives the series live, every point once and to the end", async () => {
      const run = api.startRun(await options());
      let last: readonly number[] = [];
      const reading = (async () => {
        for await (const series of run.live("loss")) last = [...(series.value as Float64Array)];
      })();
      for (let step = 0; step < 5; step++) {
        run.track({ loss: step }, { step });
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
      await run.finish();
      await reading;
      expect(last).toEqual([0, 1, 2, 3, 4]);
      expect(typeof run.live("loss").next).toBe("function");
    });

    it("moves a run as one file, and deletes it", async () => {
      const given = await options();
      const run = api.startRun(given);
      run.track({ loss: 1, when: new Date(5) });
      await run.finish();
      const from = api.openStore(given.store);
      const file = await from.export(run.id);
      const to = api.openStore(await host.make());
      expect(await to.import(file)).toEqual([run.id]);
      expect(await to.import(file)).toEqual([run.id]);
      expect(await to.rows(run.id)).toEqual(await from.rows(run.id));
      await from.delete(run.id);
      await expect(from.runLog(run.id)).rejects.toThrow(/there is no run/);
      await expect(to.import("no segment")).rejects.toThrow(/this is no segment/);
    });

    it("goes on in memory when its run is deleted under it, and says so", async () => {
      const given = await options();
      const run = api.startRun(given);
      run.track({ loss: 1 });
      await run.flush();
      await given.store.delete(run.id);
      run.track({ loss: 2 });
      expect(await run.flush()).toBe("memory");
      const report = await run.finish();
      expect(report.storage).toBe("memory");
      expect(report.problem?.message).toMatch(/deleted/);
    });

    it("works and stores nothing when off", async () => {
      const given = await options({ mode: "off" });
      const run = api.startRun(given);
      run.track({ loss: 1 });
      expect(() => run.track({ "": 1 })).toThrow(/must not be empty/);
      await run.task("t", (task) => task.track({ loss: 2 }));
      await run.finish();
      expect(await collect(given.store.runs())).toEqual([]);
    });

    it("finds the run of trackThis, or says which runs are open", async () => {
      const given = await options();
      expect(() => api.trackThis({ "": 1 })).toThrow(/no open run/);
      await api.trackRun(given, async (run) => {
        api.trackThis({ spam: "hello" }, { step: 1 });
        await Promise.resolve();
        expect(run.report().tracked).toBe(1);
      });
      const one = api.startRun(given);
      api.trackThis({ spam: 1 });
      const two = api.startRun(given);
      expect(() => api.trackThis({ spam: 1 })).toThrow(new RegExp(`${one.id}.*${two.id}`));
      expect((await one.finish()).tracked).toBe(1);
      await two.finish();
    });

    it("is no promise, is branded, and fails when disposed unfinished", async () => {
      const given = await options();
      const run = api.startRun(given);
      expect("then" in run).toBe(false);
      expect(Object.keys(run)).toEqual([]);
      expect(isRun(run)).toBe(true);
      await run[Symbol.asyncDispose]();
      expect((await api.openStore(given.store).runLog(run.id)).status).toBe("FAIL");
      const error = await api.resumeRun({ ...given, runId: "a b" }).catch((caught: unknown) => caught);
      expect(isRunlogError(error, "invalid")).toBe(true);
    });
  });
}
