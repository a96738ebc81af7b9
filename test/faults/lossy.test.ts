import { memoryStore, runLogStore } from "runlog";
import { expect, it } from "vitest";
import { createCaller } from "../../src/http/caller.ts";
import type { Store } from "../../src/stores/store.ts";
import { deliverRun } from "../../src/sync/deliver-run.ts";
import { first, losses, uid } from "../server/segments.ts";
import { flawedServer } from "../stores/flawed-server.ts";
import { count } from "./count.ts";
import { randomFrom } from "./random.ts";

const observations = count({ ci: 10_000, long: 100_000 });
/** A segment holds few, so that there are many requests. */
const inSegment = 2;

async function linesOf(store: Store): Promise<string[]> {
  const lines: string[] = [];
  for await (const { bytes } of store.segments("demo")) lines.push(new TextDecoder().decode(bytes));
  return lines;
}

it("30 % lost replies, 20 % 5xx and 10 % resets apply every observation once, byte for byte", async () => {
  const seed = Number(process.env["RUNLOG_SEED"] ?? Date.now() % 1e9);
  console.log(`RUNLOG_SEED=${seed}`);
  const random = randomFrom(seed);
  const here = memoryStore();
  const there = await flawedServer(memoryStore());
  try {
    const segments = observations / inSegment;
    await here.append([first()]);
    for (let seq = 1; seq <= segments; seq++) await here.append([losses({ seq }, inSegment)]);
    const ways = { lost: 0, broken: 0, reset: 0, passed: 0 };
    there.flaw = async (_, pass) => {
      const draw = random();
      if (draw < 0.3) {
        ways.lost += 1;
        await pass();
        return "break";
      }
      if (draw < 0.5) {
        ways.broken += 1;
        return new Response("<html>", { status: 500 + Math.floor(random() * 5) });
      }
      if (draw < 0.6) {
        ways.reset += 1;
        return "break";
      }
      ways.passed += 1;
      return pass();
    };
    const destination = runLogStore(there.url);
    const parts = {
      store: here,
      destination,
      call: createCaller(destination),
      name: "runlog-1",
      run: "demo",
      uid,
    };
    const signal = new AbortController().signal;
    let tries = 0;
    for (let state = ""; state !== "done"; tries++) {
      expect(tries, JSON.stringify(ways)).toBeLessThan(segments);
      ({ state } = await deliverRun({ ...parts, owner: true, signal, noted: () => {} }));
    }
    expect(await linesOf(there.store)).toEqual(await linesOf(here));
    expect(await here.ledger.read("demo", "runlog-1")).toMatchObject({
      delivered: observations,
      setAside: 0,
      complete: true,
    });
    // Each failed request ends one try; none is sent beyond what the failures cost.
    const failed = ways.lost + ways.broken + ways.reset;
    expect(tries).toBe(failed + 1);
    expect(there.posts().length).toBeLessThanOrEqual(Math.ceil((segments + 1) / 200) + failed + 1);
  } finally {
    await there.stop();
  }
});
