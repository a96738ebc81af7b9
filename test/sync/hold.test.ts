import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Pause } from "../../src/stores/store.ts";
import { backoff, capMillis } from "../../src/sync/backoff.ts";
import { createHold } from "../../src/sync/hold.ts";
import { sleep } from "../../src/sync/sleep.ts";
import { createTurns } from "../../src/sync/turns.ts";

const problem = { code: "unreachable", message: "m", action: "a" };
const begun = 1_700_000_000_000;
beforeEach(() => {
  vi.useFakeTimers({ now: begun });
  vi.spyOn(Math, "random").mockReturnValue(1);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const pauseOf = (more: Partial<Pause> = {}): Pause => ({
  failures: 1,
  since: begun,
  until: begun + 5_000,
  problem,
  ...more,
});

describe("a pause", () => {
  it("is as long as the failures in a row say, and as the server asked", () => {
    const hold = createHold();
    expect(hold.next(undefined, problem, undefined)).toEqual(pauseOf({ until: begun + 500 }));
    expect(hold.next(pauseOf({ failures: 3 }), problem, 7_000)).toEqual(
      pauseOf({ failures: 4, until: begun + 11_000 }),
    );
  });

  it("that one made is measured by the monotonic clock, whatever the wall's does", () => {
    const hold = createHold();
    const pause = hold.next(undefined, problem, 4_500);
    expect(hold.left(pause, false)).toBe(5_000);
    vi.advanceTimersByTime(2_000);
    vi.setSystemTime(begun - 3_600_000);
    expect(hold.left(pause, false)).toBe(3_000);
    vi.setSystemTime(begun + 3_600_000);
    vi.advanceTimersByTime(2_999);
    expect(hold.left(pause, false)).toBe(1);
    vi.advanceTimersByTime(2);
    expect(hold.left(pause, false)).toBe(0);
  });

  it("that another made is taken over as it stands, and measured from then on", () => {
    const hold = createHold();
    vi.advanceTimersByTime(1_000);
    expect(hold.left(pauseOf(), false)).toBe(4_000);
    vi.setSystemTime(begun + 3_600_000);
    expect(hold.left(pauseOf(), false)).toBe(4_000);
    vi.advanceTimersByTime(4_000);
    expect(hold.left(pauseOf(), false)).toBe(0);
  });

  it("that is over, or longer than any is, holds up nobody", () => {
    const longest = 15 * 60_000 + capMillis;
    expect(createHold().left(undefined, false)).toBe(0);
    expect(createHold().left(pauseOf({ until: begun }), false)).toBe(0);
    expect(createHold().left(pauseOf({ until: begun - 1 }), false)).toBe(0);
    expect(createHold().left(pauseOf({ until: begun + longest }), false)).toBe(longest);
    expect(createHold().left(pauseOf({ until: begun + longest + 1 }), false)).toBe(0);
  });

  it("leaves 400 ms between tries that are asked for, and none after a clock that went back", () => {
    const hold = createHold();
    expect(hold.left(pauseOf(), true)).toBe(400);
    vi.advanceTimersByTime(399);
    expect(hold.left(pauseOf(), true)).toBe(1);
    vi.advanceTimersByTime(1);
    expect(hold.left(pauseOf(), true)).toBe(0);
    expect(hold.left(pauseOf({ since: begun + 60_000 }), true)).toBe(0);
  });
});

it("the wait grows from half a second to its cap and no further", () => {
  expect([1, 2, 3, 10, 11, 21, 22, 5_000].map((failures) => backoff(failures, 1))).toEqual([
    500,
    1_000,
    2_000,
    256_000,
    capMillis,
    capMillis,
    capMillis,
    capMillis,
  ]);
});

describe("turns", () => {
  const runs = ["a", "b", "c"].map((run) => ({ run }));
  const order = (turns: ReturnType<typeof createTurns>, all = false): string[] =>
    turns.order(runs, all).map(({ run }) => run);

  it("of a run that fails by itself come last, after its own wait", () => {
    const turns = createTurns();
    turns.begin();
    expect(order(turns)).toEqual(["a", "b", "c"]);
    expect(turns.next()).toBeUndefined();
    turns.through("a", true);
    expect(turns.failed("b", false, undefined)).toBe(true);
    expect(turns.next()).toBe(500);
    expect(order(turns)).toEqual(["a", "c"]);
    expect(order(turns, true)).toEqual(["a", "c", "b"]);
    vi.advanceTimersByTime(500);
    expect(turns.next()).toBe(0);
    expect(order(turns)).toEqual(["a", "c", "b"]);
    vi.advanceTimersByTime(100);
    expect(turns.next()).toBe(0);
    turns.begin();
    turns.through("a", true);
    expect(turns.failed("b", false, 3_000)).toBe(true);
    expect(turns.next()).toBe(4_000);
    turns.through("b", false);
    expect(turns.next()).toBeUndefined();
  });

  it("are over for all when nobody got through, and the one that failed waited longest next time", () => {
    const turns = createTurns();
    turns.begin();
    turns.through("c", false);
    vi.advanceTimersByTime(10);
    expect(turns.failed("a", false, undefined)).toBe(false);
    expect(turns.next()).toBe(0);
    expect(order(turns)).toEqual(["b", "c", "a"]);
  });

  it("need a new witness for each failure and in each pass, but for a run whose own fault is known", () => {
    const turns = createTurns();
    turns.begin();
    turns.through("a", true);
    expect(turns.failed("b", false, undefined)).toBe(true);
    expect(turns.failed("c", false, undefined)).toBe(false);
    turns.through("a", true);
    turns.begin();
    expect(turns.failed("c", false, undefined)).toBe(false);
    expect(turns.failed("b", false, undefined)).toBe(true);
    expect(turns.failed("b", true, undefined)).toBe(false);
    expect(turns.failed("b", false, undefined)).toBe(false);
  });
});

describe("sleep", () => {
  it("ends after its time, or at the signal, and leaves neither timer nor listener", async () => {
    const stop = new AbortController();
    const remove = vi.spyOn(stop.signal, "removeEventListener");
    const ended: string[] = [];
    void sleep(1_000, stop.signal).then(() => ended.push("one"));
    void sleep(5_000, stop.signal).then(() => ended.push("two"));
    await vi.advanceTimersByTimeAsync(999);
    expect(ended).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ended).toEqual(["one"]);
    stop.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(ended).toEqual(["one", "two"]);
    expect(vi.getTimerCount()).toBe(0);
    expect(remove).toHaveBeenCalledTimes(2);
  });
});
