import { memoryStore } from "runlog";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createLease, deadMillis, type Lease, writerLock } from "../../src/client/lease.ts";
import type { Platform } from "../../src/client/platform.ts";
import type { LocalStore } from "../../src/stores/store.ts";

const writer = "0123456789ab";
const woke = vi.fn();
let store: LocalStore;
let touched: string[];
let lease: Lease;

beforeEach(() => {
  vi.useFakeTimers();
  woke.mockReset();
  touched = [];
  store = { ...memoryStore(), touch: async (run, of) => void touched.push(`${run} ${of}`) };
  const timer = (run: () => void, millis: number): (() => void) => {
    const id = setTimeout(run, millis);
    return () => clearTimeout(id);
  };
  lease = createLease({ timer } as Platform, woke);
});
afterEach(() => void vi.useRealTimers());

const isHeld = async (): Promise<boolean> => store.locks.held(writerLock(await store.id(), writer));

describe("a writer's lease", () => {
  it("holds the writer's lock, and touches each 15 s until it is released", async () => {
    await lease.hold(store, "r", writer);
    expect(await isHeld()).toBe(true);
    await vi.advanceTimersByTimeAsync(14_999);
    expect(touched).toEqual([]);
    await vi.advanceTimersByTimeAsync(30_001);
    expect(touched).toEqual([`r ${writer}`, `r ${writer}`, `r ${writer}`]);
    lease.release();
    expect(await isHeld()).toBe(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(touched).toHaveLength(3);
    expect(woke).not.toHaveBeenCalled();
  });

  it("calls out after a sleep in which somebody may have closed the run, and once more", async () => {
    await lease.hold(store, "r", writer);
    vi.setSystemTime(Date.now() + deadMillis - 15_000);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(woke).not.toHaveBeenCalled();
    vi.setSystemTime(Date.now() + deadMillis - 14_999);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(woke).toHaveBeenCalledTimes(1);
    // Who found the lock free a moment before may write its close a moment after.
    await vi.advanceTimersByTimeAsync(60_000);
    expect(woke).toHaveBeenCalledTimes(2);
  });

  it("lets another writer take over, and still shows life", async () => {
    await lease.hold(store, "r", writer);
    await lease.free();
    expect(touched).toHaveLength(1);
    expect(await isHeld()).toBe(false);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(touched).toHaveLength(2);
    const taken = await store.locks.take(writerLock(await store.id(), writer));
    lease.release();
    expect(await isHeld()).toBe(true);
    taken?.();
  });

  it("that was released before it held, or meanwhile, leaves nothing behind", async () => {
    const holding = lease.hold(store, "r", writer);
    lease.release();
    await holding;
    expect(await isHeld()).toBe(false);
    await lease.hold(store, "r", writer);
    expect(await isHeld()).toBe(false);
    await lease.free();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(touched).toEqual([]);
  });

  it("lives on where its store cannot be touched", async () => {
    store = { ...store, touch: () => Promise.reject(new Error("the folder is gone")) };
    await lease.hold(store, "r", writer);
    await lease.free();
    await vi.advanceTimersByTimeAsync(30_000);
    lease.release();
  });
});
