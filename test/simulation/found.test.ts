import { memoryStore, type Run } from "runlog";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { closeDead } from "../../src/client/liveness.ts";
import { foldSegments } from "../../src/read/fold.ts";
import { type Client, createClient } from "../../src/run.ts";
import type { LocalStore } from "../../src/stores/store.ts";
import { collect } from "../contract/client-host.ts";
import { add, countedTimers, counting, hour, refuses, type Timers, uid } from "./found-parts.ts";

/** What the simulation found about runs, each by itself. */

let timers: Timers;

beforeEach(() => {
  vi.useFakeTimers();
  timers = countedTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

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
    timer: timers.timer,
  });
}

/** As IndexedDB: whether an id is taken, only waiting can tell. */
function slowStore(more: Partial<LocalStore> = {}): LocalStore {
  const { has: _, appendSync: __, ...store } = memoryStore();
  return { ...store, kind: "indexeddb", ...more };
}

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
    const before = timers.made;
    await vi.advanceTimersByTimeAsync(hour);
    expect(timers.made - before).toBe(0);
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
