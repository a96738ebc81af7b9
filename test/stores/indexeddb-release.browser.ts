import { deleteDB } from "idb";
import { type Destination, defineMetrics, metric, openStore, type Run, resumeRun, startRun } from "runlog";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encodeSegment, type Segment } from "../../src/model/segment-line.ts";
import { indexedDbStore } from "../../src/stores/indexeddb.ts";
import type { LocalStore } from "../../src/stores/store.ts";
import { freshRun, listOf, segmentOf } from "../contract/segments.ts";
import { littleRoom, type Room } from "./room.ts";

const url = "http://there.test";
const metrics = defineMetrics({ loss: metric({ goal: "min" }), text: metric() }, { others: true });

/** Takes all it is given; what came is in `sent`. @param change what else it notes in the ledger */
function destination(sent: string[] = [], to: string = url, change: object = {}): Destination {
  return {
    kind: "taking",
    url: to,
    credentials: {},
    probe: "/",
    originAdvice: () => "",
    async deliver(delivery) {
      for await (const { writer, seq, bytes } of delivery.segments()) {
        sent.push(new TextDecoder().decode(bytes));
        const { position } = delivery.ledger;
        await delivery.save({ ...change, position: { ...position, [writer]: [seq + 1, 0] } });
      }
      return { state: "done" };
    },
  };
}

/** What a writer says after its end. */
function late(run: string, writer: string, seq: number): Segment {
  const record = '{"type":"label","name":"late","value":"yes"}';
  return encodeSegment({ run, writer, seq, clock: Date.now() }, [record]);
}

describe("room in a full database", () => {
  let room: Room;
  let store: LocalStore;
  beforeEach(() => {
    room = littleRoom();
    store = indexedDbStore(`room-${crypto.randomUUID()}`);
  });
  afterEach(async () => {
    room.restore();
    await store.close();
    await deleteDB(store.location);
  });

  /** A run of about 20 kB that ended, delivered unless said otherwise. */
  const ended = async (runId: string, syncTo: readonly Destination[] = [destination()]): Promise<void> => {
    const run = startRun({ store, runId, parameters: { lr: 0.1 }, metrics, syncTo, quiet: true });
    await track(run);
    await run.finish();
  };
  const track = async (run: Run<typeof metrics>, from = 0): Promise<void> => {
    for (const [at, loss] of [3, 1, 9, 2].entries()) {
      run.track({ loss, note: "x".repeat(5_000) }, { step: from + at });
      await run.flush();
    }
  };
  const released = async (): Promise<string[]> =>
    (await listOf(store.runs({ sort: "run", where: { released: true } }))).map(({ run }) => run);
  /** No room but for what is there. */
  const full = (): void => {
    room.budget = 0;
  };
  const one = (bytes: number): ReturnType<typeof segmentOf>[] => [
    segmentOf({ run: freshRun(), seq: 0, fill: bytes }),
  ];

  it("is made by delivered runs, the oldest first and as few as are needed", async () => {
    for (const run of ["a", "b", "c", "d"]) await ended(run);
    room.leave(100);
    await store.append(one(15_000));
    expect(await released()).toEqual(["a"]);
    room.leave(100);
    await store.append(one(30_000));
    expect(await released()).toEqual(["a", "b", "c"]);
    expect(store.released).toEqual(["a", "b", "c"]);
  });

  it("is never made by runs that are not delivered whole, or are going on", async () => {
    await ended("nowhere", []);
    await ended("set-aside", [destination([], url, { setAside: 1 })]);
    await ended("no-run-log", [destination([], url, { state: { runLog: "not sent: …" } })]);
    const problem = { code: "c", message: "m", action: "a" };
    const parks: Destination = {
      ...destination([], "http://parks.test"),
      deliver: async () => ({ state: "park", problem }),
    };
    await ended("parked", [parks]);
    await ended("one-of-two", [destination(), parks]);
    await ended("longer");
    for (const [writer, next] of Object.entries(await store.position("longer")))
      await store.append([late("longer", writer, next)]);
    await openStore(store).sync(destination(), ["longer"]);
    const going = startRun({ store, runId: "going", metrics, syncTo: [destination()], quiet: true });
    await track(going);
    await going.sync();
    full();
    await expect(store.append(one(1_000))).rejects.toMatchObject({ code: "storage_full" });
    going.track({ loss: 1 });
    expect(await going.flush()).toBe("memory");
    room.budget = Number.POSITIVE_INFINITY;
    await going.finish();
    expect(await released()).toEqual([]);
    expect(await openStore(store).rows("nowhere", { key: "loss" })).toHaveLength(4);
  });

  it("is not tried to be made again after that was in vain, until there is some", async () => {
    for (const run of ["a", "b", "c"]) await ended(run);
    full();
    for (let time = 0; time < 3; time++)
      await expect(store.append(one(1_000))).rejects.toMatchObject({ code: "storage_full" });
    expect(store.released).toEqual(["a"]);
    room.leave(100_000);
    await store.append(one(1_000));
    room.leave(100);
    await store.append(one(1_000));
    expect(await released()).toEqual(["a", "b"]);
  });

  it("leaves a run's summary, and says where its observations are", async () => {
    await ended("a");
    const [before] = await listOf(store.runs());
    room.leave(100);
    await store.append(one(1_000));
    const [after] = await listOf(store.runs({ where: { run: "a" } }));
    expect(after).toEqual({ ...before, released: true });
    expect(after?.parameters).toEqual({ lr: 0.1 });
    expect(after?.metrics["loss"]).toMatchObject({
      last: 2,
      lastStep: 3,
      min: 1,
      max: 9,
      best: 1,
      bestStep: 1,
      count: 4,
    });
    const reading = openStore(store);
    const error = { code: "run_released", message: expect.stringContaining(url) };
    await expect(reading.runLog("a")).rejects.toMatchObject(error);
    await expect(reading.series("a", "loss")).rejects.toMatchObject(error);
    await expect(reading.rows("a")).rejects.toMatchObject(error);
    await expect(reading.export("a")).rejects.toMatchObject(error);
  });

  it("is told once", async () => {
    const warn = console.warn;
    const said: string[] = [];
    console.warn = (text: string) => void said.push(text);
    try {
      for (const run of ["a", "b"]) await ended(run);
      room.leave(500);
      const run = startRun({ store, syncTo: [], metrics });
      await track(run);
      room.leave(500);
      await track(run, 4);
      expect(run.report()).toMatchObject({ storage: "disk", refused: 0 });
      expect(store.released).toEqual(["a", "b"]);
      expect(said).toEqual([expect.stringContaining("was full")]);
      expect(await openStore(store).rows(run.id, { key: "loss" })).toHaveLength(8);
    } finally {
      console.warn = warn;
    }
  });

  it("is filled again by an import, which gives all back", async () => {
    await ended("a");
    const file = await openStore(store).export("a");
    room.leave(100);
    await store.append(one(1_000));
    room.budget = Number.POSITIVE_INFINITY;
    await openStore(store).import(file);
    expect(await released()).toEqual([]);
    expect(await openStore(store).rows("a", { key: "loss" })).toHaveLength(4);
    expect(await (await openStore(store).export("a")).text()).toBe(await file.text());
    room.leave(100);
    await store.append(one(1_000));
    expect(await released()).toEqual(["a"]);
  });

  it("leaves a run's numbers: what comes late fits, what came before is taken again", async () => {
    await ended("a");
    const sent: string[] = [];
    const segments = await listOf(store.segments("a"));
    const position = await store.position("a");
    room.leave(100);
    await store.append(one(1_000));
    room.budget = Number.POSITIVE_INFINITY;
    expect(await store.position("a")).toEqual(position);
    const [writer = ""] = Object.keys(position);
    const next = position[writer] ?? 0;
    await expect(store.append([late("a", writer, next + 1)])).rejects.toMatchObject({ code: "segment_gap" });
    await store.append([late("a", writer, next)]);
    await expect(openStore(store).rows("a")).rejects.toMatchObject({ code: "run_released" });
    expect(await listOf(store.runs({ where: { run: "a" } }))).toMatchObject([
      { status: "SUCCESS", released: true },
    ]);
    await openStore(store).sync(destination(sent), ["a"]);
    expect(sent).toEqual([expect.stringContaining(`"seq":${next},`)]);
    await store.append(segments);
    expect(await openStore(store).rows("a", { key: "loss" })).toHaveLength(4);
  });

  it("ends what can be continued: by its id an error says so, by its key a new run begins", async () => {
    const key = { store, key: "cell", metrics, syncTo: [destination()], quiet: true };
    const run = await resumeRun(key);
    await track(run);
    await run.finish();
    room.leave(100);
    await store.append(one(1_000));
    room.budget = Number.POSITIVE_INFINITY;
    await expect(resumeRun({ store, runId: run.id, quiet: true })).rejects.toMatchObject({
      code: "run_released",
    });
    const next = await resumeRun(key);
    expect(next.id).not.toBe(run.id);
    await next.finish();
  });

  it("is never sent as gaps to a destination that has not what was released", async () => {
    await ended("a");
    room.leave(100);
    await store.append(one(1_000));
    room.budget = Number.POSITIVE_INFINITY;
    const sent: string[] = [];
    const { runs } = await openStore(store).sync(destination(sent, "http://other.test"), ["a"]);
    expect(sent).toEqual([]);
    expect(runs.get("a")?.parked).toMatchObject({ code: "run_released" });
  });
});
