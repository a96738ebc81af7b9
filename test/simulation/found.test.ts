import { memoryStore, type Run, runLogStore } from "runlog";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { closeDead } from "../../src/client/liveness.ts";
import type { Platform } from "../../src/client/platform.ts";
import { RunlogError } from "../../src/errors.ts";
import { encodeSegment } from "../../src/model/segment-line.ts";
import { foldSegments } from "../../src/read/fold.ts";
import { type Client, createClient } from "../../src/run.ts";
import type { LocalStore } from "../../src/stores/store.ts";
import { type CourierParts, createCourier } from "../../src/sync/courier.ts";
import type { Destination } from "../../src/sync/destination.ts";
import { collect } from "../contract/client-host.ts";

/** What the simulation found, each by itself. */

const hour = 3_600_000;
const uid = "0".repeat(32);
const refuses = async (): Promise<never> => {
  throw new RunlogError("storage_unavailable", "the disk refuses");
};

let timers: number;
beforeEach(() => {
  vi.useFakeTimers();
  timers = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

const timer: Platform["timer"] = (run, millis) => {
  timers += 1;
  const made = setTimeout(run, millis);
  return () => clearTimeout(made);
};

function clientHere(): Client {
  return createClient({
    host: () => ({ name: "test" }),
    code: async () => undefined,
    openStore: () => undefined,
    persist: async () => true,
    destinations: () => [],
    setting: () => undefined,
    variables: undefined,
    current: { within: (_, body) => body(), innermost: () => [] },
    watch: () => () => undefined,
    syncCommand: () => undefined,
    warn: () => undefined,
    timer,
  });
}

/** As IndexedDB: whether an id is taken, only waiting can tell. */
function slowStore(more: Partial<LocalStore> = {}): LocalStore {
  const { has: _, appendSync: __, ...store } = memoryStore();
  return { ...store, kind: "indexeddb", ...more };
}

async function add(store: LocalStore, run: string): Promise<void> {
  const record = JSON.stringify({ type: "run", time: 1, uid, store: await store.id() });
  await store.append([encodeSegment({ run, writer: "0123456789ab", seq: 0, clock: 1 }, [record])]);
}

/** A destination that counts; it fails for `bad` and takes the rest. */
function counting(bad?: string): Destination & { tries: number } {
  const destination = {
    kind: "counting",
    url: "http://counting",
    credentials: {},
    probe: "/",
    tries: 0,
    originAdvice: () => "",
    deliver: (async (delivery) => {
      destination.tries += 1;
      await delivery.call({ method: "GET", path: "/" });
      const problem = { code: "unreachable", message: "m", action: "a" };
      if (delivery.run === bad) return { state: "retry", problem };
      for await (const segment of delivery.segments()) {
        const { writer, seq } = segment;
        const rows = delivery.records(segment).flatMap((each) => (each.type === "metrics" ? each.key : []));
        const { position, delivered } = delivery.ledger;
        await delivery.save({
          position: { ...position, [writer]: [seq + 1, 0] },
          delivered: delivered + rows.length,
        });
      }
      return { state: "done" };
    }) satisfies Destination["deliver"],
  } satisfies Destination & { tries: number };
  return destination;
}

function courierOf(store: LocalStore, destination: Destination, others: CourierParts["others"]) {
  return createCourier({ store, destination, call: async () => ({ class: "ok", text: "" }), timer, others });
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
    expect(timers).toBeLessThan(200);
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

describe("a run", () => {
  const options = { syncTo: [], quiet: true };

  it("is kept where the store opens and cannot tell whether its id is taken", async () => {
    const store = slowStore();
    const run = clientHere().startRun({ ...options, store: { ...store, position: refuses } });
    run.track({ loss: 1 });
    expect(await run.flush()).toBe("disk");
    expect(Object.values(await store.position(run.id))).toEqual([1]);
  });

  it("is seen to live before its first segment is seen", async () => {
    const store = slowStore();
    const told: string[] = [];
    const take: LocalStore["locks"]["take"] = async (name) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      told.push(name.slice(0, 6));
      return store.locks.take(name);
    };
    const append: LocalStore["append"] = (segments) => {
      told.push("append");
      return store.append(segments);
    };
    const run = clientHere().startRun({
      ...options,
      store: { ...store, append, locks: { ...store.locks, take } },
    });
    const flushed = run.flush();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await flushed).toBe("disk");
    expect(told).toEqual(["writer", "append"]);
  });

  it("that was let go ends though its store cannot be read", async () => {
    let broken = false;
    const store = slowStore();
    const flaky = {
      ...store,
      segments: (...given: Parameters<LocalStore["segments"]>) =>
        broken ? unreadable() : store.segments(...given),
    };
    const given = new AbortController();
    const run = await clientHere().resumeRun({ ...options, store: flaky, key: "cell", signal: given.signal });
    broken = true;
    given.abort();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(run.report().status).toBe("SUCCESS");
  });

  it("that was deleted costs no timers", async () => {
    const store = slowStore();
    const run = clientHere().startRun({ ...options, store });
    await run.flush();
    await store.delete(run.id);
    run.track({ loss: 1 });
    expect(await run.flush()).toBe("memory");
    await run.finish();
    await vi.advanceTimersByTimeAsync(120_000);
    const before = timers;
    await vi.advanceTimersByTimeAsync(hour);
    expect(timers - before).toBe(0);
  });

  it("is not done where only another writer's observations are", async () => {
    const store = slowStore();
    const destination = counting();
    const given = { ...options, syncTo: [destination], store, runId: "both" };
    const state = (run: Run): string | undefined => run.report().destinations["http://counting"]?.state;
    const first = clientHere().startRun(given);
    await first.flush();
    const second = await clientHere().resumeRun(given);
    for (let step = 0; step < 9; step++) second.track({ loss: step }, { step });
    await second.sync();
    await first.sync();
    expect([state(first), state(second)]).toEqual(["done", "done"]);
    first.track({ loss: 9 }, { step: 9 });
    expect(state(first)).not.toBe("done");
    await first.flush();
    expect(state(first)).not.toBe("done");
    const finished = Promise.all([first.finish(), second.finish()]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await finished).map((each) => each.destinations["http://counting"]?.state)).toEqual([
      "done",
      "done",
    ]);
  });

  it("of a store that joined stays one that joined, whoever goes on with it or closes it there", async () => {
    const store = slowStore();
    const joins = { ...options, store, runId: "far", uid };
    await (await clientHere().resumeRun(joins)).flush();
    await (await clientHere().resumeRun({ ...options, store, runId: "far" })).flush();
    const joined = async (): Promise<boolean | undefined> => {
      const segments = [];
      for await (const segment of store.segments("far")) segments.push(segment);
      return foldSegments(segments)?.joined;
    };
    expect(await joined()).toBe(true);
    const dead = { ...store, locks: { take: async () => undefined, held: async () => false } };
    expect(await closeDead(dead, Date.now() + hour)).toEqual(["far"]);
    expect(await joined()).toBe(true);
  });

  it("that goes on after a crash is not closed by the very client that goes on", async () => {
    const store = slowStore();
    await add(store, "mine");
    await vi.advanceTimersByTimeAsync(hour);
    const append: LocalStore["append"] = async (segments) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await store.append(segments);
    };
    const again = clientHere().resumeRun({ ...options, store: { ...store, append }, runId: "mine" });
    await vi.advanceTimersByTimeAsync(1_000);
    const finished = (await again).finish();
    await vi.advanceTimersByTimeAsync(1_000);
    await finished;
    const [summary] = await collect(store.runs());
    expect(summary?.status).toBe("SUCCESS");
  });

  it("that two writers finish at once did not fail", async () => {
    const store = slowStore();
    const given = { ...options, store, runId: "both" };
    const first = clientHere().startRun(given);
    await first.flush();
    let look = async (): Promise<unknown> => undefined;
    const held: LocalStore["locks"]["held"] = async (name) => {
      await look();
      return store.locks.held(name);
    };
    const second = await clientHere().resumeRun({
      ...given,
      store: { ...store, locks: { ...store.locks, held } },
    });
    // Between the second's look at the run and its look at the locks.
    look = () => first.finish();
    await second.finish();
    const [summary] = await collect(store.runs());
    expect(summary?.status).toBe("SUCCESS");
  });

  it("whose writer died is closed also after the clock was set back", async () => {
    const store = slowStore();
    await add(store, "mine");
    expect(await closeDead(store, Date.now() + 1_000)).toEqual([]);
    expect(await closeDead(store, Date.now() - hour)).toEqual(["mine"]);
  });
});

async function* unreadable(): AsyncGenerator<never> {
  yield await refuses();
}

it("a server's position alone confirms nothing: the last segment of each writer goes once more", async () => {
  const store = memoryStore();
  await add(store, "mine");
  const sent: string[] = [];
  const courier = createCourier({
    store,
    destination: runLogStore("http://127.0.0.1:4000"),
    timer,
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
