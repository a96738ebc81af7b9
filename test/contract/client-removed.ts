import { describe, expect, it } from "vitest";
import type { LocalStore } from "../../src/stores/store.ts";
import { type ClientHost, collect } from "./client-host.ts";

/** A run whose store is emptied under it by somebody else: a cleared folder, cleared site data. */
export function removedContract(
  name: string,
  { api, make, reopen, durable }: ClientHost,
  remove: (store: LocalStore) => Promise<void>,
): void {
  describe(`a run whose data is removed from ${name}`, () => {
    it("goes on there, shows the gap, and is known again", async () => {
      const store = await make();
      const run = api.startRun({ store, syncTo: [], tag: "removed", parameters: { lr: 0.1 }, quiet: true });
      for (let step = 0; step < 3; step++) {
        run.track({ loss: step }, { step });
        await run.flush();
      }
      await remove(store);
      for (let step = 3; step < 6; step++) run.track({ loss: step }, { step });
      expect(await run.flush()).toBe(durable);
      await run.finish();
      const again = await reopen(store);
      const client = api.openStore(again);
      expect((await client.rows(run.id, { key: "loss" })).map(({ step }) => step)).toEqual([3, 4, 5]);
      const log = await client.runLog(run.id);
      expect(log).toMatchObject({ status: "SUCCESS", tag: "removed", parameters: { lr: 0.1 } });
      expect(log.run_config.runlog["uid"]).toBe(run.uid);
      expect(log.run_config.runlog["lost"]).toMatchObject([{ reason: "removed" }, {}, {}]);
      // Whoever opens the store later carries it on: it names the store that is there now.
      const [summary] = await collect(again.runs());
      expect(summary?.store).toBe(await again.id());
      await again.close();
    });
  });
}
