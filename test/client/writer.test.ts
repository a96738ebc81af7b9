import { RunlogError } from "runlog";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { readRecords, type Segment } from "../../src/model/segment-line.ts";
import { listOf, someUid } from "../contract/segments.ts";
import { type Scene, scene } from "./scene.ts";

let at: Scene;
beforeEach(() => {
  at = scene();
});

describe("at the exit of a process", () => {
  it("all is written at once, though the store was not open yet, past every clock of the run", async () => {
    const writer = at.write({ opened: new Promise(() => {}) });
    at.note("a");
    writer.flushSync();
    at.note("b");
    writer.flushSync();
    expect(await at.notes()).toEqual(["a", "b"]);
    expect((await at.kept()).map(({ seq, clock }) => [seq, clock])).toEqual([
      [0, 5_000],
      [1, 5_001],
    ]);
    writer.flushSync();
    expect(at.appended).toHaveLength(2);
  });

  it("nothing is written twice by who waits for it as well", async () => {
    const writer = at.write();
    at.note("a");
    writer.flushSync();
    expect(await writer.flush()).toBe("disk");
    expect(at.appended).toHaveLength(1);
    expect(writer.location).toBe("memory");
  });

  it("what waits since a failed write goes along", async () => {
    at.store = { ...at.store, append: () => Promise.reject(new RunlogError("storage_full", "full")) };
    const writer = at.write();
    at.note("a");
    expect(await writer.flush()).toBe("memory");
    expect(writer).toMatchObject({ storage: "full", problem: "full" });
    at.note("b");
    writer.flushSync();
    expect(await at.notes()).toEqual(["a", "b"]);
  });

  it("a store that cannot write without waiting is left alone, and a deleted run too", async () => {
    const { appendSync, ...slow } = at.store;
    at.store = slow;
    const writer = at.write();
    at.note("a");
    writer.flushSync();
    expect(at.appended).toEqual([]);
    expect(await writer.flush()).toBe("disk");
    expect(appendSync).toBeDefined();
    at.store = { ...slow, ...(appendSync && { appendSync }) };
    const late = at.write();
    await late.flush();
    await at.store.delete("r");
    at.note("b");
    expect(await late.flush()).toBe("memory");
    at.appended.length = 0;
    expect(late.storage).toBe("memory");
    late.flushSync();
    expect(at.appended).toEqual([]);
  });

  it("a store that is not known says so", () => {
    const writer = at.write({ opened: new Promise(() => {}), openedSync: () => undefined });
    at.note("a");
    writer.flushSync();
    expect(at.appended).toEqual([]);
    expect(writer.location).toBe("not open yet");
  });
});

describe("a writer", () => {
  it("whose store can never be opened says why", async () => {
    const writer = at.write({ opened: Promise.reject(new Error("no memory")) });
    await expect(writer.flush()).rejects.toThrow("no memory");
    expect(writer.problem).toBe("no memory");
  });

  it("with nothing to say still begins the run, once", async () => {
    const writer = at.write();
    expect(await writer.flush()).toBe("disk");
    expect(await writer.flush()).toBe("disk");
    expect(await at.records()).toMatchObject([{ type: "run", uid: someUid }]);
    expect(at.appended).toHaveLength(1);
  });

  it("tells each time what is durable, and gives clocks that grow", async () => {
    const writer = at.write();
    at.note("a");
    await writer.flush();
    at.note("b");
    await writer.flush();
    expect(at.saved.mock.calls.map(([segments]) => (segments as Segment[]).map(({ seq }) => seq))).toEqual([
      [0],
      [1],
    ]);
    expect((await at.kept()).map(({ clock }) => clock)).toEqual([5_000, 5_001]);
  });

  it("goes on under another name when its own was taken in the same moment, and in no other case", async () => {
    const taken = new RunlogError("run_id_taken", "taken");
    const append = at.store.append;
    let refuse = true;
    at.store = {
      ...at.store,
      append: (segments) => (refuse ? Promise.reject(taken) : append(segments)),
    };
    const rename = vi.fn(() => {
      refuse = false;
      return "r-2";
    });
    const writer = at.write({ rename });
    at.note("a");
    expect(await writer.flush()).toBe("disk");
    const [segment] = await listOf(at.store.segments("r-2"));
    expect(readRecords(segment as Segment)).toMatchObject([{ type: "run", uid: someUid }, { value: "a" }]);
    refuse = true;
    at.note("b");
    expect(await writer.flush()).toBe("memory");
    expect(rename).toHaveBeenCalledTimes(1);
    expect(writer.problem).toBe("taken");
  });
});
