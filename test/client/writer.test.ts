import { memoryStore, RunlogError } from "runlog";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createRecorder, type Recorder } from "../../src/client/recorder.ts";
import { createWriter, type Opened, type Writer, type WriterParts } from "../../src/client/writer.ts";
import { readRecords, type Segment } from "../../src/model/segment-line.ts";
import type { LocalStore } from "../../src/stores/store.ts";
import { listOf, someUid } from "../contract/segments.ts";

const name = "0123456789ab";
const first = JSON.stringify({ type: "run", time: 1, uid: someUid, store: "5".repeat(32) });
let store: LocalStore;
let recorder: Recorder;
let appended: Segment[][];
const warn = vi.fn();
const saved = vi.fn();

beforeEach(() => {
  warn.mockReset();
  saved.mockReset();
  appended = [];
  const kept = memoryStore();
  store = {
    ...kept,
    kind: "filesystem",
    appendSync: (segments) => {
      appended.push([...segments]);
      kept.appendSync?.(segments);
    },
    append: (segments) => {
      appended.push([...segments]);
      return kept.append(segments);
    },
  };
  recorder = createRecorder();
});

function write(more: Partial<WriterParts> = {}): Writer {
  const opened = (): Opened => ({ store, run: "r", first, clock: 5_000 });
  return createWriter({
    writer: name,
    recorder,
    opened: Promise.resolve(opened()),
    openedSync: opened,
    rename: () => "r-2",
    now: () => 1_000,
    timer: (run, millis) => {
      const id = setTimeout(run, millis);
      return () => clearTimeout(id);
    },
    saved,
    warn,
    ...more,
  });
}

const note = (text: string): void => recorder.record({ type: "label", name: "n", value: text, time: 1 });
const kept = (): Promise<Segment[]> => listOf(store.segments("r"));
const notes = async (): Promise<unknown[]> =>
  (await kept()).flatMap((segment) =>
    readRecords(segment).flatMap((record) => (record.type === "label" ? [record.value] : [])),
  );

describe("at the exit of a process", () => {
  it("all is written at once, though the store was not open yet, past every clock of the run", async () => {
    const writer = write({ opened: new Promise(() => {}) });
    note("a");
    writer.flushSync();
    note("b");
    writer.flushSync();
    expect(await notes()).toEqual(["a", "b"]);
    expect((await kept()).map(({ seq, clock }) => [seq, clock])).toEqual([
      [0, 5_000],
      [1, 5_001],
    ]);
    writer.flushSync();
    expect(appended).toHaveLength(2);
  });

  it("nothing is written twice by who waits for it as well", async () => {
    const writer = write();
    note("a");
    writer.flushSync();
    expect(await writer.flush()).toBe("disk");
    expect(appended).toHaveLength(1);
    expect(writer.location).toBe("memory");
  });

  it("what waits since a failed write goes along", async () => {
    store = { ...store, append: () => Promise.reject(new RunlogError("storage_full", "full")) };
    const writer = write();
    note("a");
    expect(await writer.flush()).toBe("memory");
    expect(writer).toMatchObject({ storage: "full", problem: "full" });
    note("b");
    writer.flushSync();
    expect(await notes()).toEqual(["a", "b"]);
  });

  it("a store that cannot write without waiting is left alone, and a deleted run too", async () => {
    const { appendSync, ...slow } = store;
    store = slow;
    const writer = write();
    note("a");
    writer.flushSync();
    expect(appended).toEqual([]);
    expect(await writer.flush()).toBe("disk");
    expect(appendSync).toBeDefined();
    store = { ...slow, ...(appendSync && { appendSync }) };
    const late = write();
    await late.flush();
    await store.delete("r");
    note("b");
    expect(await late.flush()).toBe("memory");
    appended = [];
    expect(late.storage).toBe("memory");
    late.flushSync();
    expect(appended).toEqual([]);
  });

  it("a store that is not known says so", () => {
    const writer = write({ opened: new Promise(() => {}), openedSync: () => undefined });
    note("a");
    writer.flushSync();
    expect(appended).toEqual([]);
    expect(writer.location).toBe("not open yet");
  });
});

describe("a writer", () => {
  it("whose store can never be opened says why", async () => {
    const writer = write({ opened: Promise.reject(new Error("no memory")) });
    await expect(writer.flush()).rejects.toThrow("no memory");
    expect(writer.problem).toBe("no memory");
  });

  it("tells each time what is durable, and gives clocks that grow", async () => {
    const writer = write();
    note("a");
    await writer.flush();
    note("b");
    await writer.flush();
    expect(saved.mock.calls.map(([segments]) => (segments as Segment[]).map(({ seq }) => seq))).toEqual([
      [0],
      [1],
    ]);
    expect((await kept()).map(({ clock }) => clock)).toEqual([5_000, 5_001]);
  });

  it("goes on under another name when its own was taken in the same moment, and in no other case", async () => {
    const taken = new RunlogError("run_id_taken", "taken");
    const append = store.append;
    let refuse = true;
    store = {
      ...store,
      append: (segments) => (refuse ? Promise.reject(taken) : append(segments)),
    };
    const rename = vi.fn(() => {
      refuse = false;
      return "r-2";
    });
    const writer = write({ rename });
    note("a");
    expect(await writer.flush()).toBe("disk");
    const [segment] = await listOf(store.segments("r-2"));
    expect(readRecords(segment as Segment)).toMatchObject([{ type: "run", uid: someUid }, { value: "a" }]);
    refuse = true;
    note("b");
    expect(await writer.flush()).toBe("memory");
    expect(rename).toHaveBeenCalledTimes(1);
    expect(writer.problem).toBe("taken");
  });
});
