import { memoryStore, runLogStore } from "runlog";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LocalStore } from "../../src/stores/store.ts";
import { type Courier, type CourierParts, createCourier } from "../../src/sync/courier.ts";
import type { Destination } from "../../src/sync/destination.ts";
import { add, countedTimers, counting, hour, refuses, type Timers, uid } from "./found-parts.ts";

/** What the simulation found about couriers, each by itself. */

let timers: Timers;
beforeEach(() => {
  vi.useFakeTimers();
  timers = countedTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function courierOf(store: LocalStore, destination: Destination, others: CourierParts["others"]): Courier {
  return createCourier({
    store,
    destination,
    call: async () => ({ class: "ok", text: "" }),
    timer: timers.timer,
    others,
  });
}

describe("a courier", () => {
  it("waits for an older run that fails, without a timer that spins", async () => {
    const store = memoryStore();
    for (const run of ["mine", "older"]) await add(store, run);
    const destination = counting("older");
    const courier = courierOf(store, destination, async function* () {
      yield { run: "older", uid, owner: true };
    });
    courier.carry({ run: "mine", uid, owner: true });
    courier.poke(true);
    await vi.advanceTimersByTimeAsync(hour);
    courier.stop();
    expect(timers.made).toBeLessThan(200);
    expect(destination.tries).toBeGreaterThan(10);
    expect(destination.tries).toBeLessThan(60);
  });

  it("does not send again and again what a full disk cannot note", async () => {
    const store = memoryStore();
    await add(store, "mine");
    const full = { ...store, ledger: { ...store.ledger, write: refuses, setPause: refuses } };
    const destination = counting();
    const courier = courierOf(full, destination, async function* () {});
    courier.carry({ run: "mine", uid, owner: true });
    courier.poke(true);
    await vi.advanceTimersByTimeAsync(hour);
    expect(destination.tries).toBeGreaterThan(10);
    expect(destination.tries).toBeLessThan(40);
    Object.assign(full.ledger, store.ledger);
    await vi.advanceTimersByTimeAsync(301_000);
    courier.stop();
    expect(courier.entry("mine")?.complete).toBe(true);
    expect(courier.problem).toBe(undefined);
  });

  it("ends a drain also where the store cannot be read", async () => {
    const store = memoryStore();
    await add(store, "mine");
    const courier = courierOf({ ...store, position: refuses }, counting(), async function* () {});
    courier.carry({ run: "mine", uid, owner: true });
    const drained = courier.drain(new AbortController().signal).then(() => "drained");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await drained).toBe("drained");
    courier.stop();
  });
});

it("a server's position alone confirms nothing: the last segment of each writer goes once more", async () => {
  const store = memoryStore();
  await add(store, "mine");
  const sent: string[] = [];
  const courier = createCourier({
    store,
    destination: runLogStore("http://127.0.0.1:4000"),
    timer: timers.timer,
    others: async function* () {},
    async call({ method, body }) {
      if (body !== undefined) sent.push(new TextDecoder().decode(body as Uint8Array));
      return { class: "ok", status: 200, text: method, json: { next: { "0123456789ab": 1 } } };
    },
  });
  courier.carry({ run: "mine", uid, owner: true });
  courier.poke(true);
  await vi.advanceTimersByTimeAsync(1_000);
  courier.stop();
  expect(sent).toHaveLength(1);
  expect(courier.entry("mine")?.complete).toBe(true);
});
