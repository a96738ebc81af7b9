import { memoryStore } from "runlog";
import { afterEach, describe, expect, it } from "vitest";
import { encodeSegment } from "../../src/model/segment-line.ts";
import type { LocalStore } from "../../src/stores/store.ts";
import { backoff, capMillis } from "../../src/sync/backoff.ts";
import { type Courier, createCourier, destinationName } from "../../src/sync/courier.ts";
import type { Delivery, Destination, Outcome } from "../../src/sync/destination.ts";

/** A destination that does as the test says; a fake, for what a courier makes of outcomes. */
function scripted(
  script: (delivery: Delivery, turn: number) => Promise<Outcome> | Outcome,
): Destination & { turns: number } {
  const destination = {
    kind: "scripted",
    url: "http://scripted",
    credentials: {},
    probe: "/",
    turns: 0,
    originAdvice: () => "",
    deliver: async (delivery: Delivery) => script(delivery, destination.turns++),
  };
  return destination;
}

/** Confirms everything that is there. */
async function takeAll(delivery: Delivery): Promise<Outcome> {
  for await (const segment of delivery.segments()) {
    await delivery.save({
      position: { ...delivery.ledger.position, [segment.writer]: [segment.seq + 1, 0] },
      delivered: delivery.ledger.delivered + 1,
    });
  }
  return { state: "done" };
}

const problem = { code: "unreachable", message: "m", action: "a" };
const uid = "0".repeat(32);
const started: Courier[] = [];
afterEach(() => {
  for (const courier of started.splice(0)) courier.stop();
});

async function storeWith(...seqs: number[]): Promise<LocalStore> {
  const store = memoryStore();
  await add(store, ...seqs);
  return store;
}

async function add(store: LocalStore, ...seqs: number[]): Promise<void> {
  const first = JSON.stringify({ type: "run", time: 1, uid, store: await store.id() });
  for (const seq of seqs) {
    const name = { run: "r", writer: "0123456789ab", seq, clock: seq + 1 };
    await store.append([encodeSegment(name, seq === 0 ? [first] : [])]);
  }
}

function carry(store: LocalStore, destination: Destination, verify = false): Courier {
  const courier = createCourier({
    store,
    destination,
    verify,
    call: async () => ({ class: "ok", text: "" }),
    timer(run, millis) {
      const timer = setTimeout(run, millis);
      return () => clearTimeout(timer);
    },
    async *others() {},
  });
  courier.carry({ run: "r", uid, owner: true });
  started.push(courier);
  return courier;
}

describe("courier", () => {
  it("delivers what is there, once, and asks for nothing when nothing is new", async () => {
    const store = await storeWith(0, 1);
    const destination = scripted(takeAll);
    const courier = carry(store, destination);
    await courier.drain(AbortSignal.timeout(5_000));
    await courier.drain(AbortSignal.timeout(5_000));
    expect(destination.turns).toBe(1);
    expect(courier.entry("r")).toMatchObject({
      delivered: 2,
      complete: true,
      position: { "0123456789ab": [2, 0] },
    });
    await add(store, 2);
    await courier.drain(AbortSignal.timeout(5_000));
    expect(courier.entry("r")?.delivered).toBe(3);
  });

  it("goes on from its ledger after a restart", async () => {
    const store = await storeWith(0, 1, 2);
    const stops = scripted(async (delivery) => {
      await delivery.save({ position: { "0123456789ab": [2, 0] }, delivered: 2 });
      return { state: "pause", problem };
    });
    await carry(store, stops).drain(AbortSignal.timeout(5_000));
    const seen: number[] = [];
    const goesOn = scripted(async (delivery) => {
      for await (const segment of delivery.segments()) seen.push(segment.seq);
      return takeAll(delivery);
    });
    await carry(store, goesOn).drain(AbortSignal.timeout(5_000));
    expect(seen).toEqual([2]);
  });

  it("gives up waiting after three failures in a row, and succeeds later by itself", async () => {
    let down = true;
    const destination = scripted((delivery) => (down ? { state: "retry", problem } : takeAll(delivery)));
    const courier = carry(await storeWith(0), destination);
    await courier.drain(AbortSignal.timeout(20_000));
    expect(courier).toMatchObject({ state: "waiting", problem });
    expect(courier.nextTry).toBeGreaterThan(Date.now() - 1_000);
    down = false;
    courier.retry();
    await expect.poll(() => courier.entry("r")?.complete, { timeout: 10_000 }).toBe(true);
    expect(courier.problem).toBeUndefined();
  });

  it("stops waiting at a pause and at the signal", async () => {
    const paused = carry(
      await storeWith(0),
      scripted(() => ({ state: "pause", problem })),
    );
    await paused.drain(AbortSignal.timeout(20_000));
    expect(paused.state).toBe("paused");
    const hangs = carry(
      await storeWith(0),
      scripted(() => new Promise<Outcome>(() => undefined)),
    );
    await hangs.drain(AbortSignal.timeout(50));
    expect(hangs.state).toBe("delivering");
  });

  it("parks a run, and asks again only when told to", async () => {
    const store = await storeWith(0);
    const destination = scripted((delivery, turn) =>
      turn === 0 ? { state: "park", problem } : takeAll(delivery),
    );
    const courier = carry(store, destination);
    await courier.drain(AbortSignal.timeout(5_000));
    await courier.drain(AbortSignal.timeout(5_000));
    expect(destination.turns).toBe(1);
    expect((await store.ledger.read("r", destinationName(destination)))?.parked).toEqual(problem);
    await carry(store, destination, true).drain(AbortSignal.timeout(5_000));
    const entry = await store.ledger.read("r", destinationName(destination));
    expect(entry).toMatchObject({ complete: true });
    expect(entry?.parked).toBeUndefined();
  });

  it("leaves the work to the one that holds the lock", async () => {
    const store = await storeWith(0);
    const destination = scripted(takeAll);
    const release = await store.locks.take(`courier:${await store.id()}:${destinationName(destination)}`);
    const courier = carry(store, destination);
    await courier.drain(AbortSignal.timeout(300));
    expect(destination.turns).toBe(0);
    release?.();
    await courier.drain(AbortSignal.timeout(5_000));
    expect(destination.turns).toBe(1);
  });

  it("stops where another took it for dead and went on: what that noted stands", async () => {
    const store = await storeWith(0, 1, 2);
    // Whoever asks gets the lock, as from a holder that sleeps and does not know it.
    const stolen: LocalStore = {
      ...store,
      locks: { take: async () => () => undefined, held: async () => false },
    };
    const wakes = Promise.withResolvers<void>();
    const sleeps = Promise.withResolvers<void>();
    let sent = 0;
    const sleeper = scripted(async (delivery, turn) => {
      if (turn > 0) return takeAll(delivery);
      sleeps.resolve();
      await wakes.promise;
      await delivery.save({ position: { "0123456789ab": [1, 0] }, delivered: 1, state: { names: "old" } });
      sent += 1;
      return { state: "done" };
    });
    const old = carry(stolen, sleeper);
    const draining = old.drain(AbortSignal.timeout(5_000));
    await sleeps.promise;
    const goesOn = scripted(async (delivery) => {
      await delivery.save({ state: { names: "new" } });
      return takeAll(delivery);
    });
    await carry(stolen, goesOn).drain(AbortSignal.timeout(5_000));
    const entry = await store.ledger.read("r", destinationName(sleeper));
    wakes.resolve();
    await draining;
    expect(sent).toBe(0);
    expect(await store.ledger.read("r", destinationName(sleeper))).toEqual(entry);
    expect(old.problem).toBeUndefined();
    expect(old.entry("r")).toMatchObject({ delivered: 3, complete: true });
  });

  it("abandons what is under way when its lock is lost", async () => {
    const store = await storeWith(0);
    let lose = (): void => undefined;
    let abandoned = false;
    const locks: LocalStore["locks"] = {
      ...store.locks,
      take: (name, lost) => {
        lose = lost ?? lose;
        return store.locks.take(name);
      },
    };
    const destination = scripted(async (delivery, turn) => {
      if (turn > 0) return takeAll(delivery);
      lose();
      abandoned = delivery.signal.aborted;
      return { state: "retry", problem };
    });
    const courier = carry({ ...store, locks }, destination);
    await courier.drain(AbortSignal.timeout(5_000));
    expect(abandoned).toBe(true);
    expect(courier.problem).toBeUndefined();
    expect(await store.ledger.pause(destinationName(destination))).toBeUndefined();
    expect(courier.entry("r")).toMatchObject({ delivered: 1, complete: true });
  });
});

describe("backoff", () => {
  it("grows to its cap, half of it at random, and never below what the server asked", () => {
    expect(backoff(1, 1)).toBe(500);
    expect(backoff(4, 1)).toBe(4_000);
    expect(backoff(4, 0)).toBe(2_000);
    expect(backoff(1_000, 1)).toBe(capMillis);
    expect(backoff(1, 0, 30_000)).toBe(30_250);
  });
});
