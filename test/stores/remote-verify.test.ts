import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createCaller } from "../../src/http/caller.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { runLogStore } from "../../src/stores/remote.ts";
import type { LocalStore } from "../../src/stores/store.ts";
import { deliverRun } from "../../src/sync/deliver-run.ts";
import type { Outcome } from "../../src/sync/destination.ts";
import { listOf, textOf } from "../contract/segments.ts";
import { first, losses, uid, writer } from "../server/segments.ts";
import { type Flawed, flawedServer } from "./flawed-server.ts";

/** Deliveries that ask the other side what it still has, though the ledger says that all is there. */

const second = "0a1b2c3d4e5f";
let there: Flawed;
let here: LocalStore;
beforeEach(async () => {
  there = await flawedServer(memoryStore());
  here = memoryStore();
  await here.append([first(), ...[1, 2, 3, 4].map((seq) => losses({ seq }))]);
  await here.append([first({ writer: second }), losses({ writer: second, seq: 1 })]);
});
afterEach(() => there.stop());

function deliver(verify: boolean): Promise<Outcome> {
  const destination = runLogStore(there.url);
  return deliverRun({
    store: here,
    destination,
    call: createCaller(destination),
    name: "runlog-1",
    run: "demo",
    uid,
    owner: true,
    signal: new AbortController().signal,
    verify,
    noted: () => {},
  });
}

const ledger = (): ReturnType<LocalStore["ledger"]["read"]> => here.ledger.read("demo", "runlog-1");
const whole = { delivered: 10, position: { [writer]: [5, 0], [second]: [2, 0] }, complete: true };

/** Requests as method and lines, after a first delivery and what the test did then. */
async function asked(): Promise<string[]> {
  there.asked.length = 0;
  expect(await deliver(true)).toEqual({ state: "done" });
  return there.asked.map(({ method, lines }) => (method === "POST" ? `POST ${lines.length}` : method));
}

describe("a delivery that checks", () => {
  it("asks once where all is there, and sends nothing", async () => {
    await deliver(false);
    expect(await ledger()).toMatchObject(whole);
    expect(await asked()).toEqual(["GET"]);
    expect(await ledger()).toMatchObject(whole);
  });

  it("goes on from what a restored server has, writer by writer, and counts nothing twice", async () => {
    await deliver(false);
    there.store = memoryStore();
    await there.store.append([
      first(),
      losses({ seq: 1 }),
      first({ writer: second }),
      losses({ writer: second, seq: 1 }),
    ]);
    expect(await asked()).toEqual(["GET", "POST 3"]);
    expect(await ledger()).toMatchObject(whole);
    const all = (await listOf(here.segments("demo"))).map(textOf);
    expect((await listOf(there.store.segments("demo"))).map(textOf)).toEqual(all);
  });

  it("begins anew with a server that lost everything", async () => {
    await deliver(false);
    there.store = memoryStore();
    expect(await asked()).toEqual(["GET", "POST 7"]);
    expect(await ledger()).toMatchObject(whole);
    await here.append([losses({ seq: 5 })]);
    expect(await asked()).toEqual(["GET", "POST 1"]);
    expect(await ledger()).toMatchObject({ delivered: 12 });
  });

  it("tells what it was answered instead, and leaves its ledger", async () => {
    await deliver(false);
    const answers: [number, unknown, object][] = [
      [200, { next: { [writer]: -1 } }, { state: "retry", problem: { code: "wrong_server" } }],
      [200, { next: [] }, { state: "retry", problem: { code: "wrong_server" } }],
      [200, { next: { "../x": 1 } }, { state: "retry", problem: { code: "wrong_server" } }],
      [200, {}, { state: "retry", problem: { code: "wrong_server" } }],
      [200, null, { state: "retry", problem: { code: "wrong_server" } }],
      [401, {}, { state: "pause", problem: { code: "unauthorized" } }],
      [404, {}, { state: "pause", problem: { code: "not_found" } }],
      [409, {}, { state: "retry", problem: { code: "conflict" } }],
      [503, {}, { state: "retry", problem: { code: "server_error" }, afterMs: 7_000 }],
    ];
    for (const [status, body, outcome] of answers) {
      const headers: Record<string, string> = status === 503 ? { "retry-after": "7" } : {};
      there.flaw = async () => new Response(JSON.stringify(body), { status, headers });
      const got = await deliver(true);
      expect(got, JSON.stringify(body)).toMatchObject(outcome);
      expect("afterMs" in got).toBe(status === 503);
      expect(await ledger()).toMatchObject({ delivered: 10, position: whole.position });
    }
    there.flaw = undefined;
    expect(await asked()).toEqual(["GET"]);
  });

  it("asks again about a run that was parked, and parks it with the new reason or not at all", async () => {
    there.flaw = async ({ method }, pass) =>
      method === "POST" ? new Response(JSON.stringify({ code: "run_deleted" }), { status: 410 }) : pass();
    expect(await deliver(false)).toMatchObject({ state: "park", problem: { code: "run_deleted" } });
    there.asked.length = 0;
    expect(await deliver(false)).toMatchObject({ state: "park", problem: { code: "run_deleted" } });
    expect(there.asked).toEqual([]);
    there.flaw = undefined;
    expect(await deliver(true)).toEqual({ state: "done" });
    expect(await ledger()).toMatchObject(whole);
    expect((await ledger())?.parked).toBeUndefined();
  });
});
