import { describe, expect, it } from "vitest";
import type { AsideItem, LedgerEntry, LocalStore, Pause } from "../../src/stores/store.ts";
import { freshRun, segmentsOf, textsOf, writerOf } from "./segments.ts";
import type { Made } from "./store.ts";

/** The rules of `LocalStore`, for stores that are one. */
export function localContract(made: () => Made): void {
  describe("as a local store", () => {
    const it_ = (title: string, test: (store: LocalStore) => Promise<void>): void => {
      it(title, async () => {
        const { local } = made();
        if (local === undefined) throw new Error("a local store must be made with `local`");
        await test(local);
      });
    };
    identityRules(it_);
    ledgerRules(it_);
    lockRules(it_);
  });
}

type Tested = (title: string, test: (store: LocalStore) => Promise<void>) => void;

function identityRules(it_: Tested): void {
  it_("has one id", async (store) => {
    const id = await store.id();
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(await store.id()).toBe(id);
  });

  it_("tells at once whether a run is here", async (store) => {
    if (store.has === undefined) return;
    const run = freshRun();
    expect(store.has(run)).toBe(false);
    await store.append(segmentsOf(run, 0, 1));
    expect(store.has(run)).toBe(true);
    await store.delete(run);
    expect(store.has(run)).toBe(true);
    expect(() => store.has?.("a/b")).toThrow("runId");
  });

  it_("appends without waiting", async (store) => {
    if (store.appendSync === undefined) return;
    const run = freshRun();
    await store.append(segmentsOf(run, 0, 2));
    store.appendSync(segmentsOf(run, 1, 4));
    await store.append(segmentsOf(run, 3, 5));
    expect(await textsOf(store.segments(run))).toHaveLength(5);
    expect(await store.position(run)).toEqual({ [writerOf(0)]: 5 });
    await store.delete(run);
    expect(() => store.appendSync?.(segmentsOf(run, 5, 6))).toThrow("deleted");
  });

  it_("knows when a writer last wrote or touched", async (store) => {
    const run = freshRun();
    const started = Date.now() - 5_000;
    expect(await store.lastWrite(run, writerOf(0))).toBeUndefined();
    await store.touch(run, writerOf(0));
    expect(await store.lastWrite(run, writerOf(0))).toBeUndefined();
    await store.append(segmentsOf(run, 0, 1));
    const wrote = (await store.lastWrite(run, writerOf(0))) ?? 0;
    expect(wrote).toBeGreaterThan(started);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await store.touch(run, writerOf(0));
    expect(await store.lastWrite(run, writerOf(0))).toBeGreaterThan(wrote);
    expect(await store.lastWrite(run, writerOf(1))).toBeUndefined();
  });
}

function ledgerRules(it_: Tested): void {
  const destination = "mlflow-0a1b2c3d";
  const entry: LedgerEntry = {
    url: "http://127.0.0.1:5000",
    position: { [writerOf(0)]: [3, 17] },
    delivered: 20,
    setAside: 1,
    state: { runId: "abc", names: { a: "b" } },
    parked: { code: "gone", message: "m", action: "a" },
    complete: true,
  };

  it_("keeps a ledger for each run and destination", async (store) => {
    const run = freshRun();
    expect(await store.ledger.read(run, destination)).toBeUndefined();
    await store.ledger.write(run, destination, entry);
    await store.ledger.write(run, "runlog-00000000", { ...entry, delivered: 7 });
    expect(await store.ledger.read(run, destination)).toEqual(entry);
    await store.ledger.write(run, destination, { ...entry, delivered: 21 });
    expect(await store.ledger.read(run, destination)).toMatchObject({ delivered: 21 });
    expect(await store.ledger.read(run, "runlog-00000000")).toMatchObject({ delivered: 7 });
    expect(await store.ledger.read(freshRun(), destination)).toBeUndefined();
  });

  it_(
    "refuses an entry that does not follow the kept one, so that no courier undoes what another noted",
    async (store) => {
      const run = freshRun();
      await store.ledger.write(run, destination, { ...entry, version: 1 });
      await store.ledger.write(run, destination, { ...entry, version: 2, delivered: 30 });
      for (const version of [1, 2, 4]) {
        const late = store.ledger.write(run, destination, { ...entry, version, delivered: 25 });
        await expect(late).rejects.toMatchObject({ code: "ledger_moved" });
      }
      expect(await store.ledger.read(run, destination)).toMatchObject({ version: 2, delivered: 30 });
      await store.ledger.write(run, destination, { ...entry, version: 3 });
      expect(await store.ledger.read(run, destination)).toMatchObject({ version: 3 });
    },
  );

  it_("keeps the pause of a destination for all who open it, until it is over", async (store) => {
    const problem = { code: "unreachable", message: "m", action: "a" };
    const pause: Pause = { failures: 3, since: 1_700_000_000_000, until: 1_700_000_004_000, problem };
    const name = `mlflow-${freshRun().slice(-8)}`;
    expect(await store.ledger.pause(name)).toBeUndefined();
    await store.ledger.setPause(name, pause);
    expect(await store.ledger.pause(name)).toEqual(pause);
    expect(await store.ledger.pause("runlog-00000000")).toBeUndefined();
    await store.ledger.setPause(name, { ...pause, failures: 4 });
    expect(await store.ledger.pause(name)).toMatchObject({ failures: 4 });
    await store.ledger.setPause(name, undefined);
    expect(await store.ledger.pause(name)).toBeUndefined();
    await store.ledger.setPause(name, undefined);
  });

  it_("keeps what was set aside, once, in order", async (store) => {
    const run = freshRun();
    const item = (seq: number, index: number, writer = 0): AsideItem => {
      return { writer: writerOf(writer), seq, index, reason: "too long", item: { key: "k", value: "NaN" } };
    };
    expect(await store.ledger.aside(run, destination)).toEqual([]);
    const given = [item(1, 0, 1), item(10, 0), item(2, 1), item(2, 0), item(10, 0), item(0, 0, 1)];
    for (const each of given) await store.ledger.setAside(run, destination, each);
    expect(await store.ledger.aside(run, destination)).toEqual([
      item(2, 0),
      item(2, 1),
      item(10, 0),
      item(0, 0, 1),
      item(1, 0, 1),
    ]);
    expect(await store.ledger.aside(run, "runlog-00000000")).toEqual([]);
  });

  it_("forgets both with the run", async (store) => {
    const run = freshRun();
    const other = `${run}-2`;
    const item = { writer: writerOf(0), seq: 0, index: 0, reason: "r", item: 1 };
    for (const each of [run, other]) {
      await store.append(segmentsOf(each, 0, 1));
      await store.ledger.write(each, destination, entry);
      await store.ledger.setAside(each, destination, item);
    }
    await store.delete(run);
    expect(await store.ledger.read(run, destination)).toBeUndefined();
    expect(await store.ledger.aside(run, destination)).toEqual([]);
    expect(await store.ledger.read(other, destination)).toEqual(entry);
    expect(await store.ledger.aside(other, destination)).toEqual([item]);
  });
}

function lockRules(it_: Tested): void {
  it_("gives a lock to one and frees it", async (store) => {
    const name = `${await store.id()}/${freshRun()} with a long name ${"x".repeat(300)}`;
    expect(await store.locks.held(name)).toBe(false);
    const taken = await Promise.all([store.locks.take(name), store.locks.take(name), store.locks.take(name)]);
    const [free, ...others] = taken.filter((one) => one !== undefined);
    expect(others).toEqual([]);
    expect(await store.locks.held(name)).toBe(true);
    expect(await store.locks.held(`${name}2`)).toBe(false);
    free?.();
    while (await store.locks.held(name)) await new Promise((resolve) => setTimeout(resolve, 10));
    const again = await store.locks.take(name);
    expect(again).toBeDefined();
    free?.();
    expect(await store.locks.held(name)).toBe(true);
    again?.();
  });
}
