import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createCaller } from "../../src/http/caller.ts";
import { decodeSegment, isPlaceholder, type Segment } from "../../src/model/segment-line.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { runLogStore } from "../../src/stores/remote.ts";
import type { AsideItem, LedgerEntry, LocalStore, Store } from "../../src/stores/store.ts";
import { deliverRun } from "../../src/sync/deliver-run.ts";
import type { Outcome } from "../../src/sync/destination.ts";
import { first, losses, segment, uid, writer } from "../server/segments.ts";
import { type Flaw, type Flawed, flawedServer } from "./flawed-server.ts";

let there: Flawed;
let here: LocalStore;
beforeEach(async () => {
  there = await flawedServer(memoryStore());
  here = memoryStore();
});
afterEach(() => there.stop());

/** One delivery of the run, as a courier would make it. */
function deliver(name = "runlog-1", signal: AbortSignal = new AbortController().signal): Promise<Outcome> {
  const destination = runLogStore(there.url);
  const call = createCaller(destination);
  return deliverRun({
    store: here,
    destination,
    call,
    name,
    run: "demo",
    uid,
    owner: true,
    signal,
    noted: () => {},
  });
}

async function ledger(name = "runlog-1"): Promise<LedgerEntry | undefined> {
  return await here.ledger.read("demo", name);
}

async function aside(): Promise<AsideItem[]> {
  return await here.ledger.aside("demo", "runlog-1");
}

async function all(store: Store, run = "demo"): Promise<Segment[]> {
  const segments: Segment[] = [];
  for await (const one of store.segments(run)) segments.push(one);
  return segments;
}

async function crcs(store: Store): Promise<string[]> {
  return (await all(store)).map(({ crc }) => crc);
}

/** A run of `count` segments here, two observations in each but the first. */
async function runOf(count: number): Promise<void> {
  await here.append([first(), ...Array.from({ length: count - 1 }, (_, at) => losses({ seq: at + 1 }))]);
}

/** Segments that crossed the wire, placeholders too. */
function crossed(): number {
  return there.posts().reduce((sum, { lines }) => sum + lines.length, 0);
}

/** Does something at the n-th append, from 1. */
function atAppend(n: number, flaw: Flaw): Flaw {
  let count = 0;
  return async (asked, pass) => (asked.method === "POST" && ++count === n ? flaw(asked, pass) : pass());
}

function problem(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers });
}

describe("delivery", () => {
  it("sends each segment once, in few requests, and nothing when all is there", async () => {
    await runOf(450);
    expect(await deliver()).toEqual({ state: "done" });
    expect(there.posts().map(({ lines }) => lines.length)).toEqual([200, 200, 50]);
    expect(await crcs(there.store)).toEqual(await crcs(here));
    expect(await ledger()).toMatchObject({
      delivered: 898,
      setAside: 0,
      complete: true,
      position: { [writer]: [450, 0] },
    });
    expect(await deliver()).toEqual({ state: "done" });
    await here.append([losses({ seq: 450 })]);
    expect(await deliver()).toEqual({ state: "done" });
    expect(crossed()).toBe(451);
  });

  it("cuts requests at about 1 MiB", async () => {
    const big = (seq: number): Segment =>
      segment(
        { seq },
        { type: "value", task: "main", key: "k", step: seq, time: 1, json: "x".repeat(400_000) },
      );
    await here.append([first(), ...[1, 2, 3, 4, 5].map(big)]);
    expect(await deliver()).toEqual({ state: "done" });
    expect(there.posts().map(({ lines }) => lines.length)).toEqual([3, 2, 1]);
  });

  it("sends one request again after a lost reply, and the store has each segment once", async () => {
    await runOf(450);
    there.flaw = atAppend(2, async (_, pass) => {
      await pass();
      return "break";
    });
    expect(await deliver()).toMatchObject({ state: "retry", problem: { code: "unreachable" } });
    expect(await ledger()).toMatchObject({ position: { [writer]: [200, 0] } });
    expect(await deliver()).toEqual({ state: "done" });
    expect(crossed()).toBe(650);
    expect(await crcs(there.store)).toEqual(await crcs(here));
    expect(await ledger()).toMatchObject({ delivered: 898 });
  });

  it("sends only the last segment after a lost ledger, and still counts", async () => {
    await runOf(30);
    await deliver();
    expect(await deliver("runlog-other")).toEqual({ state: "done" });
    expect(crossed()).toBe(31);
    expect(await ledger("runlog-other")).toMatchObject({ delivered: 58, complete: true });
  });

  it("goes back when the server was wiped, for each writer, and counts nothing twice", async () => {
    await runOf(30);
    await here.append([first({ writer: "0".repeat(12) }), losses({ writer: "0".repeat(12), seq: 1 })]);
    await deliver();
    there.store = memoryStore();
    await here.append([losses({ seq: 30 }), losses({ writer: "0".repeat(12), seq: 2 })]);
    expect(await deliver()).toEqual({ state: "done" });
    expect((await crcs(there.store)).sort()).toEqual((await crcs(here)).sort());
    expect(await ledger()).toMatchObject({ delivered: 58 + 2 + 4 });
  });

  it("stops when the server gives up", async () => {
    await runOf(5);
    const stop = new AbortController();
    there.flaw = async (_, pass) => {
      stop.abort();
      return pass();
    };
    expect(await deliver("runlog-1", stop.signal)).toMatchObject({
      state: "retry",
      problem: { code: "stopped" },
    });
  });
});

describe("a segment that is refused for good", () => {
  const bad = segment({ seq: 7 }, { type: "value", task: "main", key: "k", step: "seven", time: 1 });

  async function runWithBad(): Promise<void> {
    await runOf(7);
    await here.append([bad, ...Array.from({ length: 12 }, (_, at) => losses({ seq: at + 8 }))]);
  }

  async function expectReplaced(): Promise<void> {
    const found = await all(there.store);
    expect(found.map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, seq) => seq));
    expect(found.filter(isPlaceholder).map(({ seq }) => seq)).toEqual([7]);
    const [item, ...others] = await aside();
    expect(others).toEqual([]);
    expect(item).toMatchObject({ writer, seq: 7, reason: expect.stringContaining("step") });
    expect(decodeSegment(new TextEncoder().encode(String(item?.item))).crc).toBe(bad.crc);
    expect(await ledger()).toMatchObject({ complete: true, delivered: 36, position: { [writer]: [20, 0] } });
  }

  it("is replaced by its placeholder, set aside with the server's words, and the rest goes on", async () => {
    await runWithBad();
    expect(await deliver()).toEqual({ state: "done" });
    await expectReplaced();
    // The whole run, the rest from the bad one, the bad one alone, its placeholder: no more than that.
    expect(there.posts().length).toBeLessThanOrEqual(4);
  });

  it("is found by halving when the refusal says nothing", async () => {
    await runWithBad();
    there.flaw = async ({ lines }, pass) =>
      lines.some((line) => line.includes("seven")) ? problem(400, "I do not like step") : pass();
    expect(await deliver()).toEqual({ state: "done" });
    await expectReplaced();
  });

  it("as too large is found by halving too, and 413 alone makes requests smaller", async () => {
    await runOf(20);
    there.flaw = async ({ lines }, pass) => (lines.length > 3 ? problem(413, {}) : pass());
    expect(await deliver()).toEqual({ state: "done" });
    expect(await crcs(there.store)).toEqual(await crcs(here));
    expect(await aside()).toEqual([]);
  });

  it("in seq 0 tells the run's uid by its placeholder", async () => {
    await runOf(3);
    there.flaw = async ({ lines }, pass) =>
      lines.some((line) => line.includes('"type":"run"')) ? problem(422, {}) : pass();
    expect(await deliver()).toEqual({ state: "done" });
    const [stand] = await all(there.store);
    expect(new TextDecoder().decode(stand?.bytes)).toContain(
      `{"type":"lost","reason":"refused","count":0,"uid":"${uid}"}`,
    );
  });

  it("because other bytes have its name is set aside; what follows goes on", async () => {
    await runOf(5);
    await there.store.append([first(), losses({ seq: 1 }), losses({ seq: 2 }, 9)]);
    await here.ledger.write("demo", "runlog-1", {
      url: there.url,
      position: { [writer]: [1, 0] },
      delivered: 0,
      setAside: 0,
      state: {},
    });
    expect(await deliver()).toEqual({ state: "done" });
    expect((await all(there.store)).map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4]);
    expect(await aside()).toMatchObject([{ writer, seq: 2, reason: expect.stringContaining("other bytes") }]);
    expect(await ledger()).toMatchObject({ delivered: 6, setAside: 2 });
  });
});

describe("a run that cannot go there", () => {
  it("because its id is taken is parked, with the advice", async () => {
    await runOf(3);
    await there.store.append([first({ writer: "0".repeat(12), uid: "b".repeat(32) })]);
    const outcome = await deliver();
    expect(outcome).toMatchObject({ state: "park", problem: { code: "run_id_taken" } });
    expect(outcome).toMatchObject({
      problem: {
        message: expect.stringContaining("'demo'"),
        action: expect.stringContaining("leave runId out"),
      },
    });
    expect(await all(here)).toHaveLength(3);
  });

  it("because it was deleted there is parked and not made again", async () => {
    await runOf(3);
    await deliver();
    await there.store.delete("demo");
    await here.append([losses({ seq: 3 })]);
    expect(await deliver()).toMatchObject({ state: "park", problem: { code: "run_deleted" } });
    expect(await all(there.store)).toEqual([]);
  });
});

describe("a reply that is not what it should be releases nothing", () => {
  const nonsense: readonly unknown[] = [
    {},
    [],
    null,
    "ok",
    { next: null },
    { next: [] },
    { next: {} },
    { next: { [writer]: 2 } },
    { next: { [writer]: "3" } },
    { next: { [writer]: 3.5 } },
    { next: { [writer]: -1 } },
    { next: { other: 3 } },
    { next: { "0123456789ab": 3 } },
  ];

  it.each(nonsense.map((body) => JSON.stringify(body)))("%s", async (body) => {
    await runOf(3);
    there.flaw = atAppend(1, async () => new Response(body));
    expect(await deliver()).toMatchObject({ state: "retry", problem: { code: "wrong_server" } });
    expect((await ledger())?.position ?? {}).toEqual({});
    there.flaw = undefined;
    expect(await deliver()).toEqual({ state: "done" });
    expect(await crcs(there.store)).toEqual(await crcs(here));
  });

  it.each([
    [() => new Response("<html>hi"), { state: "retry", problem: { code: "wrong_server" } }],
    [() => problem(401, {}), { state: "pause", problem: { code: "unauthorized" } }],
    [() => problem(404, {}), { state: "pause", problem: { code: "not_found" } }],
    [() => problem(500, {}), { state: "retry", problem: { code: "server_error" } }],
    [() => problem(503, {}, { "retry-after": "9" }), { state: "retry", afterMs: 9_000 }],
    [() => problem(409, {}), { state: "retry", problem: { code: "conflict" } }],
    [() => problem(410, {}), { state: "pause", problem: { code: "gone" } }],
    [
      () => Response.redirect("http://elsewhere.test/", 302),
      { state: "pause", problem: { code: "redirected" } },
    ],
    [() => problem(409, { code: "segment_gap", next: { [writer]: 0 } }), { state: "retry" }],
  ])("an answer such as %s", async (answer, expected) => {
    await runOf(3);
    there.flaw = async ({ method }, pass) => (method === "POST" ? answer() : pass());
    expect(await deliver()).toMatchObject(expected);
    expect((await ledger())?.position ?? {}).toEqual({});
    expect((await ledger())?.setAside ?? 0).toBe(0);
    expect(await aside()).toEqual([]);
  });
});
