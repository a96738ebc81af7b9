import { memoryStore } from "runlog";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { encodeSegment } from "../../src/model/segment-line.ts";
import type { LocalStore } from "../../src/stores/store.ts";
import { capMillis } from "../../src/sync/backoff.ts";
import { type Courier, createCourier } from "../../src/sync/courier.ts";
import type { Delivery, Destination, Outcome } from "../../src/sync/destination.ts";

/** Couriers under a fake clock: what they cost a server that is down, and when they come back. */

const hour = 3_600_000;
const problem = { code: "unreachable", message: "m", action: "a" };
const down: Outcome = { state: "retry", problem };
const couriers: Courier[] = [];
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  for (const courier of couriers.splice(0)) courier.stop();
  vi.useRealTimers();
});

interface Scripted extends Destination {
  /** Runs that were tried, in order, with the monotonic time. */
  readonly tries: { readonly run: string; readonly at: number }[];
  answer: (run: string) => Outcome | "take";
}

function scripted(answer: Scripted["answer"]): Scripted {
  const destination: Scripted = {
    kind: "scripted",
    url: "http://scripted",
    credentials: {},
    probe: "/",
    tries: [],
    answer,
    originAdvice: () => "",
    async deliver(delivery) {
      await delivery.call({ method: "GET", path: "/" });
      destination.tries.push({ run: delivery.run, at: performance.now() });
      const said = destination.answer(delivery.run);
      return said === "take" ? takeAll(delivery) : said;
    },
  };
  return destination;
}

async function takeAll(delivery: Delivery): Promise<Outcome> {
  for await (const { writer, seq } of delivery.segments())
    await delivery.save({ position: { ...delivery.ledger.position, [writer]: [seq + 1, 0] } });
  return { state: "done" };
}

async function add(store: LocalStore, run: string, seq: number): Promise<void> {
  const first = JSON.stringify({ type: "run", time: 1, uid: "0".repeat(32), store: await store.id() });
  const name = { run, writer: "0123456789ab", seq, clock: seq + 1 };
  await store.append([encodeSegment(name, seq === 0 ? [first] : [])]);
}

/** A tab: a courier of `store` with runs of its own. */
async function tab(store: LocalStore, destination: Destination, ...runs: string[]): Promise<Courier> {
  const courier = createCourier({
    store,
    destination,
    call: async () => ({ class: "ok", text: "" }),
    timer(run, millis) {
      const timer = setTimeout(run, millis);
      return () => clearTimeout(timer);
    },
    async *others() {},
  });
  couriers.push(courier);
  for (const run of runs) {
    await add(store, run, 0);
    courier.carry({ run, uid: "0".repeat(32), owner: true });
  }
  courier.poke(true);
  return courier;
}

const tabs = Array.from({ length: 10 }, (_, at) => `run-${at}`);

describe("a server that is down for an hour", () => {
  it("costs ten tabs of a store at most 30 tries together, and gets all within one longest wait", async () => {
    const store = memoryStore();
    const destination = scripted(() => down);
    for (const run of tabs) await tab(store, destination, run);
    await vi.advanceTimersByTimeAsync(hour);
    expect(destination.tries.length).toBeLessThanOrEqual(30);
    expect(destination.tries.length).toBeGreaterThan(10);
    destination.answer = () => "take";
    await vi.advanceTimersByTimeAsync(capMillis + 61_000);
    expect(couriers.map((courier, at) => courier.entry(`run-${at}`)?.complete)).toEqual(tabs.map(() => true));
    expect(couriers.map((courier) => courier.problem)).toEqual(tabs.map(() => undefined));
  });

  it("is not tried anew by each of ten restarts", async () => {
    const store = memoryStore();
    const destination = scripted(() => down);
    for (let restart = 0; restart < 10; restart++) {
      const courier = await tab(store, destination, "run-0");
      await vi.advanceTimersByTimeAsync(60_000);
      if (restart === 9) expect(courier).toMatchObject({ state: "waiting", problem });
      courier.stop();
    }
    // As many as one courier makes in ten minutes.
    expect(destination.tries.length).toBeLessThanOrEqual(15);
  });

  it("is tried at once when the network is back, by one of ten tabs", async () => {
    const store = memoryStore();
    const destination = scripted(() => down);
    for (const run of tabs) await tab(store, destination, run);
    await vi.advanceTimersByTimeAsync(hour);
    const before = destination.tries.length;
    for (const courier of couriers) courier.retry();
    await vi.advanceTimersByTimeAsync(50);
    expect(destination.tries.length).toBe(before + 1);
  });

  it("gets clients back apart, not at once", async () => {
    const arrivals: number[] = [];
    for (let client = 0; client < 60; client++) {
      const destination = scripted(() => down);
      await tab(memoryStore(), destination, "run-0");
      const arrive = (): Outcome | "take" => {
        arrivals.push(performance.now());
        return "take";
      };
      setTimeout(() => {
        destination.answer = arrive;
      }, hour);
    }
    await vi.advanceTimersByTimeAsync(hour + capMillis + 61_000);
    expect(arrivals).toHaveLength(60);
    expect(Math.max(...arrivals) - Math.min(...arrivals)).toBeGreaterThan(capMillis / 2);
  });
});

describe("a run that always fails", () => {
  it.each([0, 4, 9])("holds up none of nine others, as number %s of them", async (bad) => {
    const store = memoryStore();
    const destination = scripted((run) => (run === `run-${bad}` ? down : "take"));
    const courier = await tab(store, destination, ...tabs);
    await vi.advanceTimersByTimeAsync(5_000);
    const there = tabs.filter((run) => courier.entry(run)?.complete === true);
    expect(there).toEqual(tabs.filter((_, at) => at !== bad));
    expect(courier).toMatchObject({ state: "waiting", problem });
    // What is new of the others goes on as if nothing was.
    for (let seq = 1; seq <= 20; seq++) {
      await add(store, `run-${(bad + 1) % 10}`, seq);
      courier.poke(true);
      await vi.advanceTimersByTimeAsync(1_000);
      expect(courier.entry(`run-${(bad + 1) % 10}`)).toMatchObject({ complete: true });
    }
    await vi.advanceTimersByTimeAsync(hour);
    const tries = destination.tries.filter(({ run }) => run === `run-${bad}`).length;
    expect(tries).toBeGreaterThan(10);
    expect(tries).toBeLessThanOrEqual(35);
    destination.answer = () => "take";
    await vi.advanceTimersByTimeAsync(capMillis + 61_000);
    expect(courier.entry(`run-${bad}`)?.complete).toBe(true);
    expect(courier).toMatchObject({ state: "idle", problem: undefined });
  });
});

describe("a wall clock that jumps", () => {
  const year = 365 * 24 * hour;
  it.each([10 * year, -10 * year, -1_000, 60_000])(
    "by %s ms each second makes no storm and no stop",
    async (jump) => {
      const store = memoryStore();
      const destination = scripted(() => down);
      for (const run of tabs.slice(0, 3)) await tab(store, destination, run);
      let wall = Date.parse("2026-01-01");
      for (let second = 0; second < 3_600; second++) {
        wall = Math.max(0, wall + (second % 2 === 0 ? jump : jump === -1_000 ? jump : -jump));
        vi.setSystemTime(wall);
        await vi.advanceTimersByTimeAsync(1_000);
      }
      // One courier keeps its own pace by the monotonic clock; each jump costs the others one early try at most.
      expect(destination.tries.length).toBeLessThanOrEqual(150);
      expect(destination.tries.length).toBeGreaterThan(10);
      destination.answer = () => "take";
      await vi.advanceTimersByTimeAsync(capMillis + 61_000);
      expect(couriers.every((courier) => courier.problem === undefined)).toBe(true);
    },
  );
});
