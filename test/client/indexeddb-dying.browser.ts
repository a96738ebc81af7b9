import { deleteDB, openDB } from "idb";
import { type LocalStore, openStore, type Run, startRun } from "runlog";
import { afterEach, describe, expect, it } from "vitest";
import { indexedDbStore } from "../../src/stores/indexeddb.ts";
import { collect } from "../contract/client-host.ts";
import { databases, dying, hanging, type Moment, replace } from "../stores/dying.ts";

const observations = 200;
/** More than any ladder has. */
const forever = Number.POSITIVE_INFINITY;

const cases: readonly (readonly [Moment, string])[] = [
  ["transaction", "InvalidStateError"],
  ["transaction", "UnknownError"],
  ["transaction", "AbortError"],
  ["in flight", "AbortError"],
  ["committed", "AbortError"],
  ["open", "UnknownError"],
  ["open", "InvalidStateError"],
];

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function makeStore(name: string = crypto.randomUUID()): LocalStore {
  const store = indexedDbStore(name);
  ends.push(async () => {
    await store.close();
    await deleteDB(store.location);
  });
  return store;
}

/** Reads the run again and again, three at a time; whatever is read must be all from the first step on, in order. */
function readers(store: LocalStore, run: string): () => Promise<number> {
  let ended = false;
  let reads = 0;
  const read = async (): Promise<void> => {
    const opened = openStore(store);
    while (!ended) {
      const steps = await opened.rows(run, { key: "loss" }).then(
        (rows) => rows.map(({ step }) => step),
        (error: unknown) => error,
      );
      if (Array.isArray(steps)) expect(steps).toEqual(upTo(steps.length));
      else expect(steps).toMatchObject({ code: "storage_unavailable" });
      reads += 1;
      await pause();
    }
  };
  const all = Promise.all([read(), read(), read()]);
  return async () => {
    ended = true;
    await all;
    return reads;
  };
}

/** Tracks, with a flush each ten steps; `at` is called in the middle, before a flush. Gives what each flush said. */
async function trackAll(run: Run<undefined>, at: () => unknown): Promise<string[]> {
  const said: string[] = [];
  for (let step = 0; step < observations; step++) {
    run.track({ loss: step }, { step });
    if (step === observations / 2) await at();
    if (step % 10 === 9) said.push(await run.flush());
  }
  return said;
}

/** Everything is there once, as another page would read it. */
async function expectAll(store: LocalStore, run: string): Promise<void> {
  const again = indexedDbStore(store.location.replace("runlog:", ""));
  const rows = await openStore(again).rows(run, { key: "loss" });
  await again.close();
  expect(rows.map(({ step }) => step)).toEqual(upTo(observations));
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

describe("a run whose database dies", () => {
  const begin = async (): Promise<[LocalStore, Run<undefined>, () => Promise<number>]> => {
    const store = makeStore();
    const run = startRun({ store, syncTo: [], quiet: true });
    await run.flush();
    return [store, run, readers(store, run.id)];
  };
  /** Opening is seen to fail only where there is no connection. */
  const breakAt = async (store: LocalStore, moment: Moment, name: string, times: number) => {
    const end = dying(moment, name, times);
    ends.push(end);
    if (moment === "open") await store.close();
    return end;
  };

  it.each(cases)("%s: %s once, and as often as it tries again, is not noticed", async (moment, name) => {
    for (const times of [1, 4]) {
      const [store, run, stopReading] = await begin();
      const said = await trackAll(run, () => breakAt(store, moment, name, times));
      expect(said).toEqual(said.map(() => "disk"));
      expect(run.report()).toMatchObject({ storage: "disk", tracked: observations });
      expect(run.report().problem).toBeUndefined();
      expect(await stopReading()).toBeGreaterThan(0);
      await run.finish();
      await expectAll(store, run.id);
    }
  });

  it.each(cases)("%s: %s without end is said to be memory only, and heals", async (moment, name) => {
    const [store, run, stopReading] = await begin();
    const said = await trackAll(run, async () => {
      const end = await breakAt(store, moment, name, forever);
      expect(await run.flush()).toBe("memory");
      expect(run.report()).toMatchObject({ storage: "memory", problem: { code: "storage_memory" } });
      end();
      await expect.poll(() => run.report().storage, { timeout: 20_000 }).toBe("disk");
      expect(run.report().problem).toBeUndefined();
    });
    expect(said).toEqual(said.map(() => "disk"));
    await stopReading();
    await run.finish();
    await expectAll(store, run.id);
  });

  it("closed under it before each flush, with and without a word", async () => {
    const { used, end } = databases();
    ends.push(end);
    const [store, run, stopReading] = await begin();
    let closed = 0;
    for (let step = 0; step < observations; step++) {
      run.track({ loss: step }, { step });
      if (step % 10 !== 9) continue;
      const flushed = run.flush();
      for (const db of used) {
        db.close();
        if (step % 20 === 9) db.dispatchEvent(new Event("close"));
        closed += 1;
      }
      used.clear();
      expect(await flushed).toBe("disk");
    }
    expect(closed).toBeGreaterThanOrEqual(20);
    await stopReading();
    await run.finish();
    await expectAll(store, run.id);
  });
});

describe("one connection for many", () => {
  it("is opened once more when it died under fifty users", async () => {
    let opened = 0;
    const { used, end } = databases();
    ends.push(end);
    ends.push(
      replace(IDBFactory.prototype, "open", (original) => {
        opened += 1;
        return original();
      }),
    );
    const store = makeStore();
    await store.id();
    for (const db of used) db.close();
    await Promise.all(Array.from({ length: 50 }, () => store.position("none")));
    expect(opened).toBe(2);
  });
});

describe("a database that does not open", () => {
  it("makes a new run wait in memory, with a word, and takes it in once it opens", async () => {
    const store = makeStore();
    const id = await store.id();
    const before = startRun({ store, syncTo: [], quiet: true });
    await before.finish();
    await store.close();
    const release = hanging();
    ends.push(release);
    const run = startRun({ store, syncTo: [], quiet: true, tag: "held" });
    const live = run.live("loss");
    for (let step = 0; step < 100; step++) run.track({ loss: step }, { step });
    expect(await run.flush()).toBe("memory");
    const { problem, storage } = run.report();
    expect(storage).toBe("memory");
    expect(problem).toMatchObject({
      code: "storage_memory",
      message: expect.stringContaining("did not open within 5 s; close other tabs"),
    });
    expect((await live.next()).value?.step).toHaveLength(100);
    release();
    await expect.poll(() => run.report().storage, { timeout: 20_000 }).toBe("disk");
    expect(run.report().problem).toBeUndefined();
    for (let step = 100; step < observations; step++) run.track({ loss: step }, { step });
    expect(await run.flush()).toBe("disk");
    for await (const { step } of live) if (step.length === observations) break;
    await run.finish();
    await expectAll(store, run.id);
    const log = await openStore(store).runLog(run.id);
    expect(log).toMatchObject({ status: "SUCCESS", tag: "held" });
    const [summary] = await collect(store.runs({ tag: "held" }));
    // A worker has no localStorage, from which the id is known while the database is shut.
    if (globalThis.localStorage !== undefined) expect(summary?.store).toBe(id);
    // What opened too late was closed: an open handle that nobody looks after would be in the way now.
    await store.close();
    let blocked = false;
    await deleteDB(store.location, {
      blocked: () => {
        blocked = true;
      },
    });
    expect(blocked).toBe(false);
  });
});

describe("data of a newer version", () => {
  const upgrade = async (location: string, minReader: number | undefined): Promise<void> => {
    const newer = await openDB(location, 2, {
      upgrade(db, _old, _new, tx) {
        db.createObjectStore("later");
        if (minReader !== undefined) void tx.objectStore("meta").put(minReader, "minReader");
      },
    });
    newer.close();
  };

  it.each([[undefined], [1]])("is used, open or not, when it names %s as its least reader", async (least) => {
    const store = makeStore();
    const run = startRun({ store, syncTo: [], quiet: true });
    const said = await trackAll(run, () => upgrade(store.location, least));
    expect(new Set(said)).toEqual(new Set(["disk"]));
    await run.finish();
    await expectAll(store, run.id);
  });

  it("is left alone when it is for newer readers only, and the page says what to do", async () => {
    const store = makeStore();
    const run = startRun({ store, syncTo: [], quiet: true });
    await run.flush();
    await upgrade(store.location, 2);
    run.track({ loss: 1 });
    expect(await run.flush()).toBe("memory");
    const other = startRun({ store, syncTo: [], quiet: true });
    expect(await other.flush()).toBe("memory");
    for (const { report } of [run, other].map((each) => ({ report: each.report() }))) {
      expect(report.problem?.message).toContain("reload this page to get the newer runlog");
      expect(report.storage).toBe("memory");
    }
    await Promise.all([run.finish(), other.finish()]);
  });
});
