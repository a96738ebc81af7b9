import { describe, expect, test } from "vitest";
import { type LiveFrame, liveSeries } from "../../src/read/live.ts";
import type { Series } from "../../src/read/series.ts";

/** A run that grows: `grow` adds a point and hints at it. */
function growing() {
  let length = 0;
  let ended = false;
  let wake: (() => void) | undefined;
  let left = 0;
  const hint = (): void => wake?.();
  async function* changes(signal: AbortSignal): AsyncGenerator<void> {
    try {
      while (!signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          signal.addEventListener("abort", () => resolve());
        });
        yield;
      }
    } finally {
      left += 1;
    }
  }
  return {
    changes,
    left: () => left,
    grow: () => {
      length += 1;
      hint();
    },
    growSilently: () => {
      length += 1;
    },
    end: () => {
      ended = true;
      hint();
    },
    read: async (): Promise<LiveFrame> => ({ series: length === 0 ? undefined : seriesOf(length), ended }),
  };
}

function seriesOf(length: number): Series {
  const points = Float64Array.from({ length }, (_, index) => index);
  return { step: points, time: points, value: points };
}

describe("a live series", () => {
  test("shows what is there, then each growth, and ends with the run", async () => {
    const run = growing();
    run.grow();
    const seen: number[] = [];
    for await (const series of liveSeries(run.read, run.changes, { every: 0 })) {
      seen.push(series.step.length);
      if (series.step.length < 4) run.grow();
      else run.end();
    }
    expect(seen).toEqual([1, 2, 3, 4]);
    expect(run.left()).toBe(1);
  });

  test("a slow reader skips frames, never points", async () => {
    const run = growing();
    run.grow();
    const live = liveSeries(run.read, run.changes, { every: 0 });
    expect((await live.next()).value?.step).toHaveLength(1);
    for (let point = 0; point < 50; point++) run.grow();
    run.end();
    expect((await live.next()).value?.step).toHaveLength(51);
    expect((await live.next()).done).toBe(true);
  });

  test("frames keep their distance", async () => {
    const run = growing();
    run.grow();
    const live = liveSeries(run.read, run.changes, { every: 30 });
    await live.next();
    const from = performance.now();
    run.grow();
    await live.next();
    expect(performance.now() - from).toBeGreaterThan(25); // a lower bound, which a slow machine cannot break
    await live.return();
  });

  test("finds what no hint told it", async () => {
    const run = growing();
    const live = liveSeries(run.read, run.changes, { every: 0, poll: 5 });
    const next = live.next();
    run.growSilently();
    expect((await next).value?.step).toHaveLength(1);
    await live.return();
  });

  test("return() ends it while it waits, and its watch with it", async () => {
    const run = growing();
    const live = liveSeries(run.read, run.changes, { poll: 3_600_000 });
    const waiting = live.next();
    expect(await live.return()).toEqual({ done: true, value: undefined });
    expect((await waiting).done).toBe(true);
    expect(run.left()).toBe(1);
  });

  test("an aborted signal ends it, also one aborted before", async () => {
    const run = growing();
    const stop = new AbortController();
    const waiting = liveSeries(run.read, run.changes, { poll: 3_600_000, signal: stop.signal }).next();
    stop.abort();
    expect((await waiting).done).toBe(true);
    const late = liveSeries(run.read, run.changes, { signal: AbortSignal.abort() });
    expect((await late.next()).done).toBe(true);
  });

  test("tells a problem of its reading or watching", async () => {
    const read = async (): Promise<LiveFrame> => {
      throw new Error("no store");
    };
    await expect(liveSeries(read, growing().changes).next()).rejects.toThrow("no store");
    async function* broken(): AsyncGenerator<void> {
      yield;
      throw new Error("no watch");
    }
    const live = liveSeries(growing().read, broken, { every: 0 });
    await expect(live.next()).rejects.toThrow("no watch");
  });

  test("is a real generator", () => {
    const live = liveSeries(growing().read, growing().changes);
    expect(Object.prototype.toString.call(live)).toBe("[object AsyncGenerator]");
    return live.return();
  });
});
