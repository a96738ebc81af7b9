import { memoryStore } from "runlog";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { writerLock } from "../../src/client/lease.ts";
import { openExisting, type Resumed, type ResumeParts } from "../../src/client/resume.ts";
import type { RunRecord } from "../../src/model/records.ts";
import { encodeSegment } from "../../src/model/segment-line.ts";
import type { LocalStore } from "../../src/stores/store.ts";
import { someUid, writerOf } from "../contract/segments.ts";

/** What a writer that goes on with a run says of it in its first record. */

const start = { type: "run", time: 9, uid: "e".repeat(32) } as const;
const takeOver = vi.fn(async (_store: LocalStore, _run: string) => false);
let store: LocalStore;
let id: string;
beforeEach(async () => {
  store = memoryStore();
  id = await store.id();
  takeOver.mockClear();
});

interface Begun {
  readonly run?: string;
  readonly writer?: number;
  readonly seq?: number;
  readonly first?: object;
  readonly steps?: readonly number[];
  readonly task?: string;
  readonly more?: readonly object[];
}

/** Appends a segment: a first one unless `seq` says otherwise. */
async function begin({
  run = "r",
  writer = 0,
  seq = 0,
  first,
  steps = [],
  task = "main",
  more = [],
}: Begun = {}): Promise<void> {
  const record = { type: "run", time: 1, uid: someUid, store: id, ...first };
  const columns = {
    type: "metrics",
    task,
    keys: ["loss"],
    key: steps.map(() => 0),
    step: steps,
    time: steps.map((_, at) => (at === 0 ? 2 : 1)),
    value: steps,
  };
  const records = [...(seq === 0 ? [record] : []), ...(steps.length > 0 ? [columns] : []), ...more];
  const name = { run, writer: writerOf(writer), seq, clock: 10 + writer + seq };
  await store.append([
    encodeSegment(
      name,
      records.map((each) => JSON.stringify(each)),
    ),
  ]);
}

const finish = { type: "finish", status: "SUCCESS", time: 5 };

function resume(more: Partial<ResumeParts> = {}): Promise<Resumed> {
  return openExisting({
    store,
    run: "r",
    key: undefined,
    joins: undefined,
    onParameterChange: "new",
    rewindTo: undefined,
    takeOver,
    start,
    warn: vi.fn(),
    ...more,
  });
}

async function firstOf({ opening }: Resumed): Promise<RunRecord> {
  return JSON.parse((await opening.opened).first) as RunRecord;
}

describe("a run that is not here", () => {
  it("begins here, as one's own", async () => {
    const resumed = await resume();
    expect(resumed).toMatchObject({ uid: start.uid, owner: true, before: 0, superseded: 0 });
    expect(await firstOf(resumed)).toEqual({ ...start, store: id });
    expect(resumed.opening).toMatchObject({ run: "r", renamedFrom: undefined, problem: undefined });
    expect(resumed.opening.openedSync()).toMatchObject({ run: "r", clock: 1 });
    expect(resumed.opening.rename()).toBe("r");
    expect(resumed.opening.again(77)).toEqual({ ...start, store: id, time: 77 });
    expect(takeOver).not.toHaveBeenCalled();
  });

  it("and began on another host is that host's", async () => {
    const resumed = await resume({ joins: someUid });
    expect(resumed).toMatchObject({ uid: someUid, owner: false });
    expect(await firstOf(resumed)).toEqual({ ...start, uid: someUid, store: id, joined: true });
  });
});

describe("a run that is here", () => {
  it("goes on: its uid, what was seen, who of this store had ended, past its clocks", async () => {
    await begin({ steps: [0, 5], task: "a" });
    await begin({ writer: 1, steps: [3] });
    await begin({ writer: 2, first: { store: "f".repeat(32) } });
    await store.locks.take(writerLock(id, writerOf(1)));
    const resumed = await resume();
    expect(await firstOf(resumed)).toEqual({
      ...start,
      uid: someUid,
      store: id,
      seen: { [writerOf(0)]: 1, [writerOf(1)]: 1, [writerOf(2)]: 1 },
      ended: [writerOf(0)],
    });
    expect((await resumed.opening.opened).clock).toBe(13);
    expect(resumed).toMatchObject({ owner: true, before: 3, superseded: 0 });
    expect(Object.fromEntries(resumed.lastSteps)).toEqual({ a: 5, main: 3 });
  });

  it("from a step on: those past it are taken back, once", async () => {
    await begin({ steps: [0, 1, 2, 3, 4] });
    const resumed = await resume({ rewindTo: 2 });
    expect(await firstOf(resumed)).toMatchObject({ rewindTo: 2 });
    expect(resumed).toMatchObject({ before: 5, superseded: 3 });
    expect(Object.fromEntries(resumed.lastSteps)).toEqual({ main: 1 });
    await begin({ writer: 1, first: { rewindTo: 2, seen: { [writerOf(0)]: 1 } }, steps: [2] });
    const again = await resume({ rewindTo: 1 });
    expect(again).toMatchObject({ before: 6, superseded: 5 });
    expect("rewindTo" in (await firstOf(await resume()))).toBe(false);
  });

  it("whose page hands it over is looked at again after that", async () => {
    await begin();
    takeOver.mockImplementationOnce(async (_, run) => {
      await begin({ run, seq: 1, steps: [7] });
      return true;
    });
    const resumed = await resume();
    expect(takeOver).toHaveBeenCalledExactlyOnceWith(store, "r");
    expect(await firstOf(resumed)).toMatchObject({ seen: { [writerOf(0)]: 2 } });
    expect(resumed.before).toBe(1);
  });

  it("is the owner's only where its first writer wrote to this store, and did not join", async () => {
    await begin({ first: { store: "f".repeat(32) } });
    await begin({ writer: 1 });
    expect((await resume()).owner).toBe(false);
    await begin({ run: "j", first: { joined: true } });
    expect((await resume({ run: "j" })).owner).toBe(false);
    await begin({ run: "mine" });
    expect((await resume({ run: "mine", joins: someUid })).owner).toBe(true);
  });

  it("and has another uid than the one to join is refused", async () => {
    await begin();
    await expect(resume({ joins: "d".repeat(32) })).rejects.toMatchObject({ code: "run_id_taken" });
    expect(await firstOf(await resume({ joins: someUid }))).not.toHaveProperty("joined");
  });
});

describe("the run of a key", () => {
  const parameters = { lr: { json: 1 }, net: { json: { a: 1, b: [{ d: 1, c: 2 }] } } };
  const keyed = (more: Partial<ResumeParts> = {}): Promise<Resumed> =>
    resume({ run: "new", key: "k", ...more });

  it("is the latest one that is not finished by its own writers", async () => {
    await begin({ run: "other", first: { key: "x", time: 3 } });
    await begin({ run: "a", first: { key: "k", time: 1 } });
    await begin({ run: "b", first: { key: "k", time: 2 } });
    expect((await keyed()).opening.run).toBe("b");
    await begin({ run: "b", seq: 1, more: [{ ...finish, status: "FAIL", dead: true }] });
    expect((await keyed()).opening.run).toBe("b");
    await begin({ run: "b", seq: 2, more: [finish] });
    expect((await keyed()).opening.run).toBe("new");
    expect((await resume({ run: "b" })).opening.run).toBe("b");
  });

  it("is another one once parameters changed, whatever the order of their fields", async () => {
    await begin({ run: "a", first: { key: "k", parameters } });
    const shuffled = { net: { json: { b: [{ c: 2, d: 1 }], a: 1 } }, lr: { json: 1 } };
    const same = [undefined, parameters, shuffled];
    for (const given of same) {
      const resumed = await keyed({ start: { ...start, ...(given && { parameters: given }) } });
      expect(resumed.opening.run).toBe("a");
    }
    const changed = [
      { ...parameters, lr: { json: 2 } },
      { ...parameters, more: { json: 1 } },
      { lr: { json: 1 } },
      { ...parameters, lr: { json: 1, meta: { values: ["Date"] } } },
      { ...parameters, net: { json: { a: 1, b: [{ d: 1, c: 2 }, 3] } } },
    ];
    for (const given of changed) {
      const begun = { ...start, parameters: given } as ResumeParts["start"];
      expect((await keyed({ start: begun })).opening.run, JSON.stringify(given)).toBe("new");
      expect((await keyed({ start: begun, onParameterChange: "keep" })).opening.run).toBe("a");
      await expect(keyed({ start: begun, onParameterChange: "error" })).rejects.toThrow(
        /differ from those of run 'a' in '(lr|net|more)'/,
      );
    }
  });

  it("compares with the last value of a parameter that changed meanwhile", async () => {
    const change = { type: "parameter", name: "lr", json: 2, time: 3 };
    await begin({ run: "a", first: { key: "k", parameters }, more: [change] });
    const now = { ...parameters, lr: { json: 2 } };
    expect((await keyed({ start: { ...start, parameters: now } })).opening.run).toBe("a");
    expect((await keyed({ start: { ...start, parameters } })).opening.run).toBe("new");
  });
});
