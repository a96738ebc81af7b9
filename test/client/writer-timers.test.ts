import { RunlogError } from "runlog";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Opened } from "../../src/client/writer.ts";
import { SegmentGap } from "../../src/errors.ts";
import { isPlaceholder, readRecords, type Segment } from "../../src/model/segment-line.ts";
import { someUid } from "../contract/segments.ts";
import { type Scene, scene, writerId } from "./scene.ts";

let at: Scene;
beforeEach(() => {
  at = scene();
});

describe("a writer's timer", () => {
  it("writes at once when it was idle, then at most once a second", async () => {
    const writer = at.write();
    at.note("a");
    writer.touch();
    await vi.waitFor(() => expect(at.waits()).toEqual([0]));
    writer.touch();
    expect(at.waits()).toEqual([0]);
    at.fire();
    await vi.waitFor(() => expect(at.saved).toHaveBeenCalledTimes(1));
    expect(at.waits()).toEqual([]);
    at.note("b");
    writer.touch();
    const [wait] = at.waits() as [number];
    expect(wait).toBeGreaterThan(500);
    expect(wait).toBeLessThanOrEqual(1_000);
    at.fire();
    await vi.waitFor(async () => expect(await at.notes()).toEqual(["a", "b"]));
    expect(at.appended).toHaveLength(2);
  });

  it("is brought forward once by a full segment", async () => {
    const writer = at.write();
    at.note("a");
    await writer.flush();
    at.note("b");
    writer.touch();
    at.fire();
    await vi.waitFor(() => expect(at.saved).toHaveBeenCalledTimes(2));
    for (let count = 0; count < 1_100; count++) at.note("x".repeat(1_000));
    expect(at.recorder.full).toBe(true);
    writer.touch();
    expect(at.waits()).toEqual([0]);
    const made = at.timersMade();
    writer.touch();
    expect(at.timersMade()).toBe(made);
    at.fire();
    await vi.waitFor(() => expect(at.recorder.empty).toBe(true));
    for (let count = 0; count < 1_100; count++) at.note("x".repeat(1_000));
    writer.touch();
    expect(at.waits()).toEqual([0]);
  });

  it("is set for what was recorded during a write, which does not go along with the next segment", async () => {
    const gate = Promise.withResolvers<void>();
    const append = at.store.append;
    at.store = {
      ...at.store,
      append: async (segments) => {
        await gate.promise;
        await append(segments);
      },
    };
    at.write();
    at.note("a");
    await vi.waitFor(() => expect(at.waits()).toEqual([0]));
    at.fire();
    at.note("b");
    gate.resolve();
    await vi.waitFor(() => expect(at.waits()).toEqual([1_000]));
    expect(await at.notes()).toEqual(["a"]);
    at.fire();
    await vi.waitFor(async () => expect(await at.notes()).toEqual(["a", "b"]));
  });

  it("before the store is open does nothing, and is set again by the opening", async () => {
    const opened = Promise.withResolvers<Opened>();
    const writer = at.write({ opened: opened.promise });
    at.note("a");
    writer.touch();
    at.fire();
    opened.resolve(at.opened());
    await vi.waitFor(() => expect(at.waits()).toEqual([0]));
    at.fire();
    await vi.waitFor(async () => expect(await at.notes()).toEqual(["a"]));
  });

  it.each(["storage_full", "storage_unavailable"])(
    "tries again each 2 s after %s, until it is kept",
    async (code) => {
      const append = at.store.append;
      let broken = true;
      at.store = {
        ...at.store,
        append: (segments) =>
          broken ? Promise.reject(new RunlogError(code as "storage_full", "no")) : append(segments),
      };
      const writer = at.write();
      at.note("a");
      await vi.waitFor(() => expect(at.waits()).toEqual([0]));
      at.fire();
      await vi.waitFor(() => expect(at.waits()).toEqual([2_000]));
      expect(writer).toMatchObject({ storage: code === "storage_full" ? "full" : "memory", problem: "no" });
      at.fire();
      await vi.waitFor(() => expect(at.waits()).toEqual([2_000]));
      broken = false;
      at.fire();
      await vi.waitFor(() => expect(at.saved).toHaveBeenCalledTimes(1));
      expect(writer).toMatchObject({ storage: "disk", problem: undefined });
      expect(await at.notes()).toEqual(["a"]);
      expect(at.waits()).toEqual([]);
    },
  );
});

describe("what is refused", () => {
  it("is told once, counts, and is said by the next segment", async () => {
    const writer = at.write();
    const lost = async (): Promise<number[]> =>
      (await at.records()).flatMap((record) => (record.type === "lost" ? [record.count] : []));
    at.note("a");
    const flushing = writer.flush();
    writer.refuse(3);
    expect(await flushing).toBe("disk");
    expect(await lost()).toEqual([3]);
    writer.refuse(4);
    await expect(writer.flush()).rejects.toMatchObject({ code: "storage_full" });
    at.note("b");
    expect(await writer.flush()).toBe("disk");
    expect(await lost()).toEqual([3, 4]);
    expect(at.warn).toHaveBeenCalledTimes(1);
    expect(writer.refused).toBe(7);
  });

  it("after a flush was asked for does not make it fail", async () => {
    const writer = at.write({
      opened: Promise.resolve({
        ...at.opened(),
        store: {
          ...at.store,
          append: () => {
            writer.refuse(2);
            return Promise.reject(new RunlogError("storage_full", "no room"));
          },
        },
      }),
    });
    at.note("a");
    expect(await writer.flush()).toBe("memory");
    await expect(writer.flush()).rejects.toMatchObject({ code: "storage_full" });
  });

  it("makes a flush fail while storage refuses", async () => {
    at.store = { ...at.store, append: () => Promise.reject(new RunlogError("storage_full", "no room")) };
    const writer = at.write();
    at.note("a");
    expect(await writer.flush()).toBe("memory");
    writer.refuse(2);
    await expect(writer.flush()).rejects.toMatchObject({
      code: "storage_full",
      message: "2 observations could not be kept: no room",
    });
  });
});

describe("a store that lost what it had kept", () => {
  /** The store refuses number 2 and says that it waits for `next`. */
  const lose = (next: number): void => {
    const append = at.store.append;
    let said = false;
    at.store = {
      ...at.store,
      append: async (segments) => {
        if (segments[0]?.seq !== 2 || said) return append(segments);
        said = true;
        throw new SegmentGap("r", writerId, 2, next === 0 ? {} : { [writerId]: next });
      },
    };
  };

  it.each([0, 1])("gets placeholders from number %d on, and all that comes after", async (next) => {
    lose(next);
    const writer = at.write();
    for (const text of ["a", "b", "c"]) {
      at.note(text);
      expect(await writer.flush()).toBe("disk");
    }
    const sent = at.appended.find((segments) => segments.length > 1)?.map(({ seq }) => seq);
    expect(sent).toEqual(next === 0 ? [0, 1, 2] : [1, 2]);
    const [stand] = at.appended.find((segments) => segments.length > 1) as [Segment];
    expect(isPlaceholder(stand)).toBe(true);
    expect(readRecords(stand)).toMatchObject([
      { type: "lost", reason: "removed", ...(next === 0 && { uid: someUid }) },
    ]);
    expect("uid" in (readRecords(stand)[0] as object)).toBe(next === 0);
    expect(at.warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining("was removed from memory"));
  });

  it.each([2, 3])("and waits for number %d is no such store", async (next) => {
    lose(next);
    const writer = at.write();
    for (const text of ["a", "b"]) {
      at.note(text);
      await writer.flush();
    }
    at.note("c");
    expect(await writer.flush()).toBe("memory");
    expect(at.warn).not.toHaveBeenCalled();
    expect(at.appended.every((segments) => segments.length === 1)).toBe(true);
  });
});
