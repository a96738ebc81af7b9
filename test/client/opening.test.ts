import { memoryStore, RunlogError } from "runlog";
import { describe, expect, it, vi } from "vitest";
import { type Opening, type OpeningParts, openNew } from "../../src/client/opening.ts";
import type { LocalStore } from "../../src/stores/store.ts";
import { segmentsOf } from "../contract/segments.ts";

const warn = vi.fn();
const start = { type: "run", time: 1, uid: "abcd".repeat(8), tag: "t" } as const;

function open(store: LocalStore | undefined, more: Partial<OpeningParts> = {}): Opening {
  warn.mockReset();
  return openNew({ store, run: "r", chosen: false, start, warn, ...more });
}

/** A store that can only be asked by waiting, as in a page. */
function slow(store: LocalStore): LocalStore {
  const { has: _, idSync: __, appendSync: ___, ...rest } = store;
  return rest;
}

describe("a new run's store", () => {
  it("is named in the first record, also at the exit of a process that did not wait for it", async () => {
    const store = { ...memoryStore(), idSync: () => "5".repeat(32) };
    const opening = open(store);
    expect(opening.again(9)).toBeUndefined();
    const first = opening.openedSync();
    expect(JSON.parse(first?.first ?? "")).toEqual({ ...start, store: "5".repeat(32) });
    expect(first).toMatchObject({ store, run: "r" });
    const id = await store.id();
    expect(JSON.parse((await opening.opened).first)).toEqual({ ...start, store: id });
    expect(opening.again(9)).toEqual({ ...start, store: id, time: 9 });
    expect(opening).toMatchObject({ run: "r", renamedFrom: undefined, problem: undefined });
    expect(warn).not.toHaveBeenCalled();
  });

  it("is not known at the exit where it can only be waited for, or is none", () => {
    expect(open(slow(memoryStore())).openedSync()).toBeUndefined();
    expect(open(undefined).openedSync()).toBeUndefined();
  });

  it("that holds a run of this id already gives another id, unless it could be asked before", async () => {
    const store = memoryStore();
    await store.append(segmentsOf("r", 0, 1));
    const opening = open(slow(store));
    expect((await opening.opened).run).toBe("r-abcd");
    expect(opening).toMatchObject({ run: "r-abcd", renamedFrom: "r" });
    expect((await open(slow(memoryStore())).opened).run).toBe("r");
    expect(() => open(store, { chosen: true })).toThrow(/'r' is in memory already.*resumeRun/);
    expect((await open(store).opened).run).toBe("r");
  });

  it("gives an id that is not too long", () => {
    const run = "x".repeat(128);
    expect(open(memoryStore(), { run }).rename()).toBe(`${"x".repeat(123)}-abcd`);
  });

  it("that cannot be opened is memory instead, which is told with its reason", async () => {
    const full = new RunlogError("storage_unavailable", "the disk is gone");
    const opening = open({ ...memoryStore(), kind: "filesystem", id: () => Promise.reject(full) });
    expect((await opening.opened).store.kind).toBe("memory");
    expect(opening.problem).toMatchObject({ code: "storage_memory", message: "the disk is gone" });
    expect(warn).toHaveBeenCalledExactlyOnceWith("runlog keeps this run in memory only: the disk is gone");
  });

  it("that is none is memory as well", async () => {
    const opening = open(undefined);
    expect((await opening.opened).store.kind).toBe("memory");
    expect(opening.problem?.message).toContain("there is no storage here");
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it("that has a bug shows it", async () => {
    const opening = open({ ...memoryStore(), id: () => Promise.reject(new TypeError("a bug")) });
    await expect(opening.opened).rejects.toThrow("a bug");
  });
});
