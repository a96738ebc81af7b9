import { memoryStore, RunlogError, startRun } from "runlog";
import { describe, expect, it } from "vitest";
import type { LocalStore } from "../../src/stores/store.ts";

/** A store whose appends fail with `code` while `broken()`; a fake, for what the client makes of it. */
function failingStore(code: "storage_full" | "storage_unavailable", broken: () => boolean): LocalStore {
  const store = memoryStore();
  return {
    ...store,
    kind: "filesystem",
    async append(segments) {
      if (broken()) throw new RunlogError(code, "no space left on the device");
      await store.append(segments);
    },
  };
}

describe("a store that refuses", () => {
  it("makes observations wait in memory and stores them when there is room", async () => {
    let full = true;
    const store = failingStore("storage_full", () => full);
    const run = startRun({ store, syncTo: [], quiet: true });
    run.track({ loss: 1 });
    expect(await run.flush()).toBe("memory");
    expect(run.report()).toMatchObject({ storage: "full", problem: { code: "storage_full" } });
    run.track({ loss: 2 });
    full = false;
    expect(await run.flush()).toBe("disk");
    expect(run.report().storage).toBe("disk");
    expect(run.report().problem).toBeUndefined();
    expect(Object.values(await store.position(run.id))).toEqual([2]);
  });

  it("counts what cannot be held, says so once, and leaves a lost record", async () => {
    let full = true;
    const store = failingStore("storage_full", () => full);
    const run = startRun({ store, syncTo: [], quiet: true });
    await run.flush();
    const text = "x".repeat(1_000_000);
    for (let step = 0; step < 80; step++) run.track({ text }, { step });
    const { refused, tracked } = run.report();
    expect(tracked).toBeGreaterThan(50);
    expect(refused).toBe(80 - tracked);
    await expect(run.flush()).rejects.toThrow(/could not be kept/);
    full = false;
    await run.finish();
    const lines: string[] = [];
    for await (const segment of store.segments(run.id)) lines.push(new TextDecoder().decode(segment.bytes));
    expect(lines.join("\n")).toContain(`{"type":"lost","reason":"full","count":${refused}`);
  });

  it("tells a folder that went away from a full one", async () => {
    const run = startRun({ store: failingStore("storage_unavailable", () => true), syncTo: [], quiet: true });
    run.track({ loss: 1 });
    expect(await run.flush()).toBe("memory");
    expect(run.report()).toMatchObject({ storage: "memory", problem: { code: "storage_memory" } });
  });

  it("gives another id to the run that lost the race for its own", async () => {
    const store = memoryStore();
    const { has: _, ...cannotTell } = store;
    const options = { store: cannotTell, syncTo: [], runId: "same", quiet: true };
    const [one, two] = [startRun(options), startRun(options)];
    one.track({ loss: 1 });
    two.track({ loss: 2 });
    await Promise.all([one.finish(), two.finish()]);
    expect(new Set([one.id, two.id]).size).toBe(2);
    expect(Object.keys(await store.position("same"))).toHaveLength(1);
  });
});
