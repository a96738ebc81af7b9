import { beforeEach, describe, expect, it, vi } from "vitest";
import { destinationName, gatherMillis } from "../../src/sync/courier.ts";
import type { Outcome } from "../../src/sync/destination.ts";
import { sweepMillis } from "../../src/sync/pass.ts";
import { later, problem, type Scene, scene, takeAll, waiting } from "./scene.ts";

let at: Scene;
beforeEach(() => {
  at = scene();
});

describe("a courier by itself", () => {
  it("waits 5 s for company, and not when asked to hurry; the sooner of two wishes holds", async () => {
    await at.add("r", 0);
    const one = at.courier(["r"]);
    expect(at.waits()).toEqual([]);
    one.poke(false);
    one.poke(false);
    expect(at.waits()).toEqual([gatherMillis]);
    one.poke(true);
    expect(at.waits()).toEqual([0]);
    one.poke(false);
    expect(at.waits()).toEqual([0]);
    await at.pass();
    expect(at.delivered).toEqual(["r"]);
    expect(one).toMatchObject({ state: "idle", problem: undefined, nextTry: undefined });
    expect(at.waits()).toEqual([sweepMillis]);
    one.poke(false);
    await one.drain(AbortSignal.timeout(5_000));
    expect(at.waits()).toEqual([gatherMillis]);
  });

  it("knows what the ledger says of runs that need nothing, and asks nobody about them", async () => {
    await at.add("whole", 0);
    await at.add("parked", 0);
    at.outcome = async (delivery) =>
      delivery.run === "parked" ? { state: "park", problem } : takeAll(delivery);
    const before = at.courier(["whole", "parked"]);
    await before.drain(AbortSignal.timeout(5_000));
    before.stop();
    at.delivered.length = 0;
    const setPause = vi.spyOn(at.store.ledger, "setPause");
    const one = at.courier(["whole", "parked", "empty"]);
    one.poke(true);
    await at.pass();
    expect(at.delivered).toEqual([]);
    expect(one.state).toBe("idle");
    expect(one.entry("whole")).toMatchObject({ complete: true });
    expect(one.entry("parked")).toMatchObject({ parked: problem });
    expect(setPause).not.toHaveBeenCalled();
  });

  it("goes again at once for what came while it was at work", async () => {
    await at.add("r", 0);
    const gate = Promise.withResolvers<void>();
    at.outcome = async (delivery) => {
      if (at.delivered.length === 1) await gate.promise;
      return takeAll(delivery);
    };
    const one = at.courier(["r"]);
    one.poke(true);
    at.fire();
    await expect.poll(() => one.state).toBe("delivering");
    one.poke(true);
    at.fire();
    gate.resolve();
    await expect.poll(at.waits).toEqual([0]);
    await at.add("r", 1);
    await at.pass();
    expect(one.entry("r")?.delivered).toBe(2);
    expect(at.waits()).toEqual([sweepMillis]);
  });

  it("after a failure keeps its pause, tells the next try, and forgets both once it got through", async () => {
    await at.add("r", 0);
    at.outcome = async () => ({ state: "retry", problem, afterMs: 30_000 });
    const one = at.courier(["r"]);
    one.poke(true);
    const before = Date.now();
    await at.pass();
    expect(one).toMatchObject({ state: "waiting", problem });
    expect(one.nextTry).toBeGreaterThanOrEqual(before + 30_250);
    const [wait] = at.waits() as [number];
    expect(wait).toBeGreaterThan(30_000);
    expect(wait).toBeLessThan(31_000);
    one.poke(true);
    expect(at.waits()).toEqual([wait]);
    at.outcome = async (delivery) => {
      await delivery.call({ method: "GET", path: "/" });
      return takeAll(delivery);
    };
    one.retry();
    expect(at.waits()).toEqual([0]);
    later(400); // tries that are asked for keep a distance
    await at.pass();
    expect(one).toMatchObject({ problem: undefined, nextTry: undefined });
    expect(await at.store.ledger.pause(destinationName(at.destination))).toBeUndefined();
  });

  it("looks each minute at the latest, also in a long pause of the server's", async () => {
    await at.add("r", 0);
    at.outcome = async () => ({ state: "retry", problem, afterMs: 600_000 });
    const one = at.courier(["r"]);
    one.poke(true);
    await at.pass();
    expect(at.waits()).toEqual([sweepMillis]);
    expect(one.nextTry).toBeGreaterThan(Date.now() + 500_000);
    await at.pass();
    expect(at.delivered).toHaveLength(1);
    expect(one).toMatchObject({ state: "waiting", problem });
    expect(one.nextTry).toBeGreaterThan(Date.now() + 500_000);
    one.poke(true);
    expect(at.waits()).toEqual([sweepMillis]);
  });

  it("at a pause for a person waits long, and is not poked out of it", async () => {
    await at.add("r", 0);
    at.outcome = async () => ({ state: "pause", problem });
    const one = at.courier(["r"]);
    one.poke(true);
    await at.pass();
    expect(one).toMatchObject({ state: "paused", problem });
    const [wait] = at.waits() as [number];
    expect(wait).toBeGreaterThanOrEqual(150_000);
    one.poke(true);
    expect(at.waits()).toEqual([wait]);
    one.retry();
    expect(at.waits()).toEqual([0]);
  });

  it("looks twice a second whether another one is still at it", async () => {
    await at.add("r", 0);
    const free = await at.store.locks.take(await at.lock());
    const one = at.courier(["r"]);
    one.poke(true);
    await at.pass();
    expect(one).toMatchObject({ state: "waiting", problem: undefined });
    expect(at.waits()).toEqual([500]);
    free?.();
    await at.pass();
    expect(at.delivered).toEqual(["r"]);
  });

  it("that retires ends at once when it has nothing to do, else when all is there", async () => {
    await at.add("r", 0);
    const one = at.courier(["r"]);
    one.poke(false);
    one.retire();
    expect(at.waits()).toEqual([]);
    const two = at.courier(["r"]);
    at.outcome = async () => ({ state: "retry", problem });
    two.poke(true);
    await at.pass();
    two.retire();
    expect(at.waits()).toHaveLength(1);
    at.outcome = takeAll;
    two.retry();
    later(400);
    at.fire();
    await vi.waitFor(() => expect(two.state).toBe("idle"), waiting);
    expect(at.waits()).toEqual([]);
  });

  it("that stops abandons what is in flight, and wakes no more", async () => {
    await at.add("r", 0);
    let signal: AbortSignal | undefined;
    const gate = Promise.withResolvers<Outcome>();
    at.outcome = (delivery) => {
      signal = delivery.signal;
      return gate.promise;
    };
    await at.add("next", 0);
    const one = at.courier(["r", "next"]);
    one.poke(true);
    at.fire();
    await expect.poll(() => signal).toBeDefined();
    one.stop();
    expect(signal?.aborted).toBe(true);
    gate.resolve({ state: "done" });
    await vi.waitFor(async () => expect(await at.store.locks.held(await at.lock())).toBe(false), waiting);
    one.poke(true);
    one.retry();
    expect(at.waits()).toEqual([]);
    expect(at.delivered).toEqual(["r"]);
  });

  it("that stops notes no failure of what it abandons", async () => {
    await at.add("r", 0);
    const one = at.courier(["r"]);
    at.outcome = async () => {
      one.stop();
      return { state: "retry", problem };
    };
    one.poke(true);
    at.fire();
    await expect.poll(() => at.delivered).toEqual(["r"]);
    await vi.waitFor(async () => expect(await at.store.locks.held(await at.lock())).toBe(false), waiting);
    expect(await at.store.ledger.pause(destinationName(at.destination))).toBeUndefined();
    expect(at.waits()).toEqual([]);
  });

  it("to a destination that cannot be used does nothing", async () => {
    await at.add("r", 0);
    const one = at.courier(["r"], { destination: { ...at.destination, problem } });
    expect(one).toMatchObject({ state: "paused", problem });
    one.poke(true);
    one.retry();
    await one.drain(new AbortController().signal);
    expect(at.waits()).toEqual([]);
    expect(at.delivered).toEqual([]);
  });
});
