import fc from "fast-check";
import { isRunlogError, memoryStore, runLogStore } from "runlog";
import { expect, it } from "vitest";
import { createCaller } from "../../src/http/caller.ts";
import { createRunLogServer } from "../../src/server/app.ts";
import type { LocalStore, Store } from "../../src/stores/store.ts";
import { deliverRun } from "../../src/sync/deliver-run.ts";
import { count } from "../faults/count.ts";
import { first, losses, uid } from "../server/segments.ts";

/** Two couriers at one run at once, as where a lock failed, while its writer goes on: in any order of their steps. */

const seed = Number(process.env["RUNLOG_SEED"] ?? Date.now() % 1e9);
const origin = "http://127.0.0.1:4000";

it("two couriers at one run lose nothing, double nothing and count right, in any order of their steps", async () => {
  console.log(`interleaving: RUNLOG_SEED=${seed}`);
  const property = fc.asyncProperty(
    fc.scheduler(),
    fc.infiniteStream(fc.constantFrom("passes", "passes", "lost", "lost reply")),
    async (scheduler, fates) => {
      const here = memoryStore();
      const there = memoryStore();
      await here.append([first(), losses({ seq: 1 }), losses({ seq: 2 })]);
      const step = (what: string): Promise<void> => scheduler.schedule(Promise.resolve(), what);
      const app = createRunLogServer({ store: there });
      const slow: typeof fetch = async (input, init) => {
        const request = new Request(input, init);
        const fate = fates.next().value;
        await step(`${request.method} ${fate}`);
        if (fate === "lost") throw new TypeError("fetch failed");
        const response = await app.fetch(request);
        await step(`back ${response.status}`);
        if (fate === "lost reply") throw new TypeError("fetch failed");
        return response;
      };
      const past: string[] = [];
      const store = stepping(here, step, async (position) => {
        const known = await there.position("demo");
        for (const [writer, [next]] of Object.entries(position))
          if (next > (known[writer] ?? 0)) past.push(`${writer}:${next}`);
      });
      const deliver = (fetch: typeof globalThis.fetch, from: LocalStore): Promise<unknown> => {
        const destination = runLogStore(origin);
        const call = createCaller(destination, { fetch });
        const signal = new AbortController().signal;
        const parts = { store: from, destination, call, name: "runlog-1", run: "demo", uid, owner: true };
        return deliverRun({ ...parts, signal, noted: () => undefined });
      };
      const courier = async (): Promise<void> => {
        for (let time = 0; time < 3; time++) {
          await deliver(slow, store).catch((error: unknown) => {
            // The other one noted something meanwhile: this one stops, and looks again later.
            if (!isRunlogError(error, "ledger_moved")) throw error;
          });
        }
      };
      const write = async (): Promise<void> => {
        for (let seq = 3; seq < 6; seq++) {
          await step(`write ${seq}`);
          await here.append([losses({ seq })]);
        }
      };
      await scheduler.waitFor(Promise.all([courier(), courier(), write()]));
      expect(past).toEqual([]);
      await deliver(async (input, init) => app.fetch(new Request(input, init)), here);
      expect(await crcs(there)).toEqual(await crcs(here));
      expect(await here.ledger.read("demo", "runlog-1")).toMatchObject({ delivered: 10, complete: true });
    },
  );
  await fc.assert(property, { numRuns: count({ ci: 100, long: 3_000 }), seed });
}, 600_000);

/** The store with a ledger whose calls are steps. */
function stepping(
  store: LocalStore,
  step: (what: string) => Promise<void>,
  noted: (position: Readonly<Record<string, readonly [number, number]>>) => Promise<void>,
): LocalStore {
  return {
    ...store,
    ledger: {
      ...store.ledger,
      async read(run, destination) {
        await step("ledger read");
        return store.ledger.read(run, destination);
      },
      async write(run, destination, entry) {
        await noted(entry.position);
        await step("ledger write");
        await store.ledger.write(run, destination, entry);
      },
    },
  };
}

async function crcs(store: Store): Promise<string[]> {
  const all: string[] = [];
  for await (const { crc } of store.segments("demo")) all.push(crc);
  return all;
}
