import { deleteDB } from "idb";
import { type LocalStore, openStore, type Run, type RunReport, runLogStore, startRun } from "runlog";
import { afterEach, describe, expect, it } from "vitest";
import { services } from "../browser/page.ts";
import { collect } from "../contract/client-host.ts";
import { disguise } from "../stores/dying.ts";

/** What a browser, its settings or an insecure page take away, one by one: all works, and says where data is kept. */

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const absent = (): undefined => undefined;
const refused = (): never => {
  throw new DOMException("The operation is insecure.", "SecurityError");
};
const hide = (object: object | undefined, name: string, get: () => unknown = absent): void => {
  if (object !== undefined) ends.push(disguise(object, name, get));
};
const refuseOpening = (name: string): void => {
  const open = (): never => {
    throw new DOMException("A mutation operation was attempted on a database that did not allow it.", name);
  };
  hide(IDBFactory.prototype, "open", () => open);
};
const noLocks = (): void => hide(navigator, "locks");
const noChannel = (): void => hide(globalThis, "BroadcastChannel");
const insecure = (): void => {
  noLocks();
  hide(navigator, "storage");
  hide(crypto, "subtle");
  hide(crypto, "randomUUID");
};
const nothing = (): void => undefined;

const memory: readonly (readonly [string, () => void])[] = [
  ["no IndexedDB", () => hide(globalThis, "indexedDB")],
  ["an IndexedDB that may not be looked at", () => hide(globalThis, "indexedDB", refused)],
  ["an IndexedDB that refuses a site without cookies", () => refuseOpening("SecurityError")],
  ["an IndexedDB that refuses a private window", () => refuseOpening("InvalidStateError")],
];
const disk: readonly (readonly [string, () => void])[] = [
  ["everything", nothing],
  ["no Web Locks", noLocks],
  ["no BroadcastChannel", noChannel],
  ["no localStorage", () => hide(globalThis, "localStorage")],
  ["a localStorage that is refused", () => hide(globalThis, "localStorage", refused)],
  ["what an insecure page has", insecure],
];

/** Tracks, reads, delivers and ends a run of the default store of that name; gives its last report. */
async function lifeOf(name: string, kept: "disk" | "memory"): Promise<[Run<undefined>, RunReport]> {
  const { runlog = "" } = await services();
  const run = startRun({ store: name, syncTo: [runLogStore(runlog)], quiet: true, tag: name });
  const watching = run.live("loss");
  for (let step = 0; step < 10; step++) run.track({ loss: step }, { step });
  expect(await run.flush()).toBe(kept);
  expect(run.report().storage).toBe(kept);
  for await (const { step } of watching) if (step.length === 10) break;
  const report = await run.finish();
  expect(await openStore(runLogStore(runlog)).runLog(run.id)).toMatchObject({ status: "SUCCESS" });
  expect(Object.values(report.destinations)).toMatchObject([{ state: "done", pending: 0, delivered: 10 }]);
  return [run, report];
}

const fresh = (): string => {
  const name = `missing-${toHex()}`;
  ends.push(() => deleteDB(`runlog:${name}`));
  return name;
};
// Not randomUUID: an insecure page has none.
const toHex = (): string => Array.from(crypto.getRandomValues(new Uint8Array(6))).join("-");

describe("a page with", () => {
  it.each(disk)("%s keeps its runs on disk", async (_, take) => {
    const name = fresh();
    take();
    const [run, report] = await lifeOf(name, "disk");
    expect(report.location).toBe(`runlog:${name}`);
    expect(report.problem).toBeUndefined();
    const store = openStore(name);
    expect(await store.rows(run.id, { key: "loss" })).toHaveLength(10);
    await store.close();
  });

  it.each(memory)("%s keeps its runs in memory, and says so", async (_, take) => {
    const name = fresh();
    take();
    const [, report] = await lifeOf(name, "memory");
    expect(report.location).toBe("memory");
    expect(report.problem).toMatchObject({ code: "storage_memory" });
    expect(report.problem?.message).toMatch(/no storage here|cannot be used/);
  });

  it("what an insecure page has is told that its data may be evicted", async () => {
    insecure();
    expect(await openStore(fresh()).persist()).toBe(false);
  });

  it("no IndexedDB has a store all the same, empty for each who opens it", async () => {
    hide(globalThis, "indexedDB");
    expect(await collect(openStore().runs())).toEqual([]);
  });
});

describe.skipIf(globalThis.localStorage === undefined)("a page whose data was removed", () => {
  const begin = async (name: string): Promise<RunReport> => {
    const run = startRun({ store: name, syncTo: [], quiet: true });
    await run.flush();
    return await run.finish();
  };

  it("tells it in its next run, once", async () => {
    const name = fresh();
    expect((await begin(name)).problem).toBeUndefined();
    await deleteDB(`runlog:${name}`);
    const told = await begin(name);
    expect(told).toMatchObject({ storage: "disk", problem: { code: "storage_evicted" } });
    expect(told.problem?.message).toContain(`runlog:${name}`);
    expect(told.problem?.action).toContain("persist()");
    expect((await begin(name)).problem).toBeUndefined();
    const noted = Object.entries(localStorage).filter(([key]) => key.includes(name));
    expect(noted).toHaveLength(1);
    expect(noted.flat().join("").length).toBeLessThan(150);
  });

  it("does not miss a store that held no run, nor one whose id it cannot note", async () => {
    const name = fresh();
    const store = openStore<LocalStore>(name);
    await store.id();
    await store.close();
    await deleteDB(`runlog:${name}`);
    hide(globalThis, "localStorage", refused);
    expect((await begin(name)).problem).toBeUndefined();
    await deleteDB(`runlog:${name}`);
    ends.pop()?.();
    expect((await begin(name)).problem).toBeUndefined();
  });
});
