import { describe, expect, it } from "vitest";
import { type ClientHost, collect, givenBy } from "./client-host.ts";

/** The client's promises about ids and about going on with a run. */
export function resumeContract(name: string, host: ClientHost): void {
  const { api } = host;
  const options = givenBy(host);

  describe(`resuming on ${name}`, () => {
    it("refuses an id that is taken, or takes another, and says so", async () => {
      const given = await options({ runId: "mine" });
      await api.startRun(given).finish();
      const store = await host.reopen(given.store);
      if (store.has === undefined) {
        const second = api.startRun({ ...given, store });
        const report = await second.finish();
        expect(report.renamedFrom).toBe("mine");
        expect(report.run).toMatch(/^mine-[0-9a-f]{4}$/);
        expect(second.id).toBe(report.run);
      } else {
        expect(() => api.startRun({ ...given, store })).toThrow(/resumeRun\(\{ runId: "mine" \}\)/);
      }
      for (const runId of ["", "a/b", "..", "con", "x.", "é", "a".repeat(129)]) {
        expect(() => api.startRun({ ...given, runId })).toThrow(/'runId'/);
      }
    });

    it("goes on with a run by resumeRun, as one more writer", async () => {
      const given = await options({ runId: "again", parameters: { lr: 1 } });
      const first = api.startRun(given);
      first.track({ loss: 3 }, { step: 1 });
      await first.finish();
      const second = await api.resumeRun({
        ...given,
        store: await host.reopen(given.store),
        parameters: { lr: 2 },
      });
      expect(second.uid).toBe(first.uid);
      second.track({ loss: 2 }, { step: 2 });
      expect((await second.finish()).status).toBe("SUCCESS");
      const store = api.openStore(given.store);
      expect([...(await store.series("again", "loss")).value]).toEqual([3, 2]);
      const [summary] = await collect(store.runs());
      expect(summary?.writers).toHaveLength(2);
      expect(summary?.status).toBe("SUCCESS");
    });

    it("goes on with the run of a key, or begins another as the rule says", async () => {
      const given = await options({ parameters: { lr: 1, net: { a: 1, b: 2 } } });
      const first = await api.resumeRun({ ...given, key: "cell" });
      for (let step = 0; step < 5; step++) first.track({ loss: step }, { step });
      await first.flush();
      const again = await api.resumeRun({
        ...given,
        key: "cell",
        parameters: { net: { b: 2, a: 1 }, lr: 1 },
        rewindTo: 2,
      });
      expect(again.id).toBe(first.id);
      again.track({ loss: 20 }, { step: "next" });
      await again.flush();
      const store = api.openStore(given.store);
      const { step, value } = await store.series(first.id, "loss");
      expect([...step]).toEqual([0, 1, 2]);
      expect([...value]).toEqual([0, 1, 20]);
      const other = await api.resumeRun({ ...given, key: "cell", parameters: { lr: 2 } });
      expect(other.id).not.toBe(first.id);
      await expect(
        api.resumeRun({ ...given, key: "cell", parameters: { lr: 3 }, onParameterChange: "error" }),
      ).rejects.toThrow(/'parameters' differ .* in 'lr'/);
      const kept = await api.resumeRun({
        ...given,
        key: "cell",
        parameters: { lr: 3 },
        onParameterChange: "keep",
      });
      expect(kept.id).toBe(other.id);
      for (const run of [first, again, other, kept]) await run.finish();
      const fresh = await api.resumeRun({ ...given, key: "cell", parameters: { lr: 3 } });
      expect(fresh.id).not.toBe(other.id);
      await fresh.finish();
      await expect(api.resumeRun(given)).rejects.toThrow(/'key' or runId must be given/);
      await expect(api.resumeRun({ ...given, runId: "x", onParameterChange: "new" })).rejects.toThrow(
        /cannot be "new"/,
      );
    });

    it("makes one run of two cells that resume one key at once", async () => {
      const given = await options();
      const runs = await Promise.all([1, 2, 3].map(() => api.resumeRun({ ...given, key: "same" })));
      expect(new Set(runs.map((run) => run.id)).size).toBe(1);
      for (const run of runs) await run.finish();
    });

    it("takes back all that an invalidated cell tracked, and keeps nothing that it tracks afterwards", async () => {
      const given = await options();
      for (let turn = 0; turn < 5; turn++) {
        const key = `cell ${turn}`;
        const first = await api.resumeRun({ ...given, key, invalidation: Promise.resolve() });
        for (let step = 0; step < 3; step++) first.track({ loss: 99 }, { step });
        const second = await api.resumeRun({ ...given, key, rewindTo: 0 });
        first.track({ loss: 99 }, { step: 3 });
        second.track({ loss: turn });
        expect(second.id).toBe(first.id);
        expect((await second.finish()).status).toBe("SUCCESS");
        expect((await first.finish()).late).toBe(1);
        expect([...(await api.openStore(given.store).series(first.id, "loss")).value]).toEqual([turn]);
        expect((await api.openStore(given.store).runLog(first.id)).status).toBe("SUCCESS");
      }
    });

    it("lets an invalidated run go, to be continued by the next cell", async () => {
      const given = await options();
      let invalidate = (): void => undefined;
      const invalidation = new Promise<void>((resolve) => {
        invalidate = resolve;
      });
      const first = await api.resumeRun({ ...given, key: "cell", invalidation });
      first.track({ loss: 1 });
      invalidate();
      await expect.poll(async () => Object.keys(await given.store.position(first.id)).length).toBe(1);
      const second = await api.resumeRun({ ...given, key: "cell", rewindTo: 0 });
      expect(second.id).toBe(first.id);
      second.track({ loss: 2 });
      expect((await second.finish()).status).toBe("SUCCESS");
      const log = await api.openStore(given.store).runLog(first.id);
      expect(log.status).toBe("SUCCESS");
      expect(log.steps.main?.user_defined_metrics).toEqual({ loss: 2 });
      await first.finish();
    });
  });
}
