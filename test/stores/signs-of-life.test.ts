import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type LeaseTable, leaseLocks } from "../../src/stores/lease-locks.ts";
import { pageSleep } from "../../src/stores/page-sleep.ts";
import { takenFromSilent } from "../../src/stores/signs-of-life.ts";
import type { Locks } from "../../src/stores/store.ts";

/** Waiters and holders that share leases, each as in a page of its own; time is told by the test. */

let now: number;
let table: LeaseTable;
const free: (() => void)[] = [];
beforeEach(() => {
  now = 1_000;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  const holders = new Map<string, string>();
  table = {
    async claim(name, token, _, force) {
      const holder = holders.get(name) ?? token;
      if (holder !== token && force !== true) return false;
      holders.set(name, token);
      return true;
    },
    release: async (name, token) => void (holders.get(name) === token && holders.delete(name)),
    touched: async (name) => (holders.has(name) ? Date.now() : undefined),
  };
});
afterEach(() => {
  for (const each of free.splice(0)) each();
  vi.restoreAllMocks();
});

const page = (): Locks => takenFromSilent(leaseLocks(table), pageSleep());

/** Looks each so many milliseconds; gives after how many of them the lock was taken. */
async function takes(locks: Locks, name: string, every: number, limit: number): Promise<number | undefined> {
  const from = now;
  for (; now - from <= limit; now += every) {
    const taken = await locks.take(name, () => undefined, true);
    if (taken !== undefined) {
      free.push(taken);
      return now - from;
    }
    // A message of another thread's event loop takes a turn of both.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return undefined;
}

async function hold(locks: Locks, name: string, lost = (): void => undefined): Promise<void> {
  const taken = await locks.take(name, lost, true);
  if (taken === undefined) throw new Error("the lock should be free");
  free.push(taken);
}

describe("a lock whose holder", () => {
  it("answers is left to it, however long it works and however seldom one looks", async () => {
    await hold(page(), "busy");
    const [often, seldom] = [page(), page()];
    expect(await takes(often, "busy", 1_000, 60_000)).toBeUndefined();
    expect(await takes(seldom, "busy", 60_000, 600_000)).toBeUndefined();
  });

  it("says nothing is taken after 12 s, by whoever asks for that", async () => {
    // Held by one that cannot answer.
    await leaseLocks(table).take("silent");
    const waits = page();
    expect(await waits.take("silent", () => undefined)).toBeUndefined();
    expect(await takes(waits, "silent", 500, 60_000)).toBe(12_500);
    expect(await takes(page(), "silent", 1_000, 30_000)).toBeUndefined();
  });

  it("said nothing for a while and then answers keeps it", async () => {
    const silence = await leaseLocks(table).take("late");
    const waits = page();
    expect(await takes(waits, "late", 1_000, 9_000)).toBeUndefined();
    silence?.();
    await vi.waitUntil(async () => (await table.touched("late")) === undefined);
    await hold(page(), "late");
    expect(await takes(waits, "late", 1_000, 30_000)).toBeUndefined();
  });
});
