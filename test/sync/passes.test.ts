import { beforeEach, describe, expect, it, vi } from "vitest";
import { destinationName } from "../../src/sync/courier.ts";
import { sweepMillis } from "../../src/sync/pass.ts";
import { syncRuns } from "../../src/sync/sync-runs.ts";
import { carried, problem, type Scene, scene, takeAll } from "./scene.ts";

let at: Scene;
beforeEach(() => {
  at = scene();
});

describe("a pass", () => {
  it("takes along the runs that nobody carries, looked for once a minute", async () => {
    await at.add("r", 0);
    await at.add("old", 0);
    let looks = 0;
    const one = at.courier(["r"], {
      async *others() {
        looks += 1;
        yield carried("old");
        yield carried("r");
      },
    });
    one.poke(true);
    await at.pass();
    expect(at.delivered).toEqual(["r", "old"]);
    await at.add("old", 1);
    one.poke(true);
    await at.pass();
    expect(at.delivered).toEqual(["r", "old"]);
    expect(looks).toBe(1);
    const spy = vi.spyOn(performance, "now").mockReturnValue(performance.now() + sweepMillis + 1_000);
    one.poke(true);
    await at.pass();
    spy.mockRestore();
    expect(at.delivered).toEqual(["r", "old", "old"]);
  });

  it("goes on to other runs when one fails by itself, which waits for its own next try", async () => {
    for (const run of ["a", "bad", "c"]) await at.add(run, 0);
    at.outcome = async (delivery) => {
      if (delivery.run === "bad") return { state: "retry", problem };
      await delivery.call({ method: "GET", path: "/" });
      return takeAll(delivery);
    };
    const one = at.courier(["a", "bad", "c"]);
    one.poke(true);
    await at.pass();
    expect(at.delivered).toEqual(["a", "bad", "c"]);
    expect(one).toMatchObject({ state: "waiting", problem });
    const [wait] = at.waits() as [number];
    expect(wait).toBeLessThanOrEqual(500);
    at.outcome = takeAll;
    one.retry();
    await at.pass();
    expect(one.state).toBe("idle");
    expect(one.problem).toBeUndefined();
    expect(one.entry("bad")?.complete).toBe(true);
  });

  it("ends at the first failure of a server that nobody got through to", async () => {
    for (const run of ["a", "b"]) await at.add(run, 0);
    at.outcome = async () => ({ state: "retry", problem });
    const one = at.courier(["a", "b"]);
    one.poke(true);
    await at.pass();
    expect(at.delivered).toEqual(["a"]);
  });

  it("takes who got through in an earlier one for no witness", async () => {
    for (const run of ["a", "b"]) await at.add(run, 0);
    at.outcome = async (delivery) => {
      await delivery.call({ method: "GET", path: "/" });
      return takeAll(delivery);
    };
    const one = at.courier(["a", "b"]);
    one.poke(true);
    await at.pass();
    for (const run of ["a", "b"]) await at.add(run, 1);
    at.delivered.length = 0;
    at.outcome = async () => ({ state: "retry", problem });
    one.poke(true);
    await at.pass();
    expect(at.delivered).toEqual(["a"]);
    expect(await at.store.ledger.pause(destinationName(at.destination))).toMatchObject({
      failures: 1,
      problem,
    });
  });

  it("over a local store that cannot be read is a failure like another", async () => {
    await at.add("r", 0);
    const broken = { ...at.store.ledger, pause: () => Promise.reject(new Error("the disk is gone")) };
    const one = at.courier(["r"], { store: { ...at.store, ledger: broken } });
    one.poke(true);
    await at.pass();
    expect(one).toMatchObject({
      state: "waiting",
      problem: { code: "storage", message: expect.stringContaining("the disk is gone") },
    });
    expect(at.waits()[0]).toBeGreaterThan(200);
    expect(await at.store.locks.held(await at.lock())).toBe(false);
  });
});

describe("syncRuns", () => {
  const signal = (): AbortSignal => AbortSignal.timeout(5_000);

  it("delivers the runs given, asks about those that were, and tells what the ledger knows", async () => {
    await at.add("r", 0, 1);
    await at.add("other", 0);
    for (let times = 1; times <= 2; times++) {
      const result = await syncRuns(at.store, at.destination, [carried("r")], signal());
      expect(result.problem).toBeUndefined();
      expect("problem" in result).toBe(false);
      expect([...result.runs.keys()]).toEqual(["r"]);
      expect(result.runs.get("r")).toMatchObject({ delivered: 2, complete: true });
      expect(at.delivered).toHaveLength(times);
    }
  });

  it("tells why it did not go on", async () => {
    await at.add("r", 0);
    at.outcome = async () => ({ state: "pause", problem });
    expect(await syncRuns(at.store, at.destination, [carried("r")], signal())).toMatchObject({ problem });
  });

  it("does nothing more at a signal that was given before", async () => {
    await at.add("r", 0);
    const { runs } = await syncRuns(at.store, at.destination, [carried("r")], AbortSignal.abort());
    expect([...runs]).toEqual([["r", undefined]]);
    expect(at.delivered).toEqual([]);
  });
});
