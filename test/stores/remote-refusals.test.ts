import { afterEach, beforeEach, expect, it } from "vitest";
import { createCaller } from "../../src/http/caller.ts";
import { isPlaceholder, type Segment } from "../../src/model/segment-line.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { runLogStore } from "../../src/stores/remote.ts";
import type { LocalStore } from "../../src/stores/store.ts";
import { deliverRun } from "../../src/sync/deliver-run.ts";
import type { Outcome } from "../../src/sync/destination.ts";
import { listOf, textOf } from "../contract/segments.ts";
import { first, losses, segment, uid, writer } from "../server/segments.ts";
import { type Flaw, type Flawed, flawedServer } from "./flawed-server.ts";

/** A server that refuses one segment, and what it says to the placeholder of it. */

let there: Flawed;
let here: LocalStore;
beforeEach(async () => {
  there = await flawedServer(memoryStore());
  here = memoryStore();
  await here.append([first(), losses({ seq: 1 }), bad(), losses({ seq: 3 })]);
});
afterEach(() => there.stop());

/** Three observations: a metric column of two and a value. */
function bad(): Segment {
  const columns = {
    type: "metrics",
    task: "main",
    keys: ["a"],
    key: [0, 0],
    step: [1, 2],
    time: [1, 1],
    value: [1, 2],
  };
  const value = { type: "value", task: "main", key: "poison", step: 0, time: 1, json: 1 };
  const label = { type: "label", name: "n", value: "v", time: 1 };
  return segment({ seq: 2 }, columns, value, label);
}

/** Refuses the segment by its text, and answers its placeholder so. */
const refusing =
  (answer: () => Response | undefined, body: object = {}): Flaw =>
  async ({ lines }, pass) => {
    if (lines.some((line) => line.includes("poison"))) return Response.json(body, { status: 422 });
    return (lines.some((line) => line.includes('"refused"')) ? answer() : undefined) ?? pass();
  };

function deliver(): Promise<Outcome> {
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
    noted: () => {},
  });
}

const ledger = (): ReturnType<LocalStore["ledger"]["read"]> => here.ledger.read("demo", "runlog-1");

it("its observations count as set aside, all of them, and its placeholder tells them and no uid", async () => {
  there.flaw = refusing(() => undefined, { detail: "I do not like it" });
  expect(await deliver()).toEqual({ state: "done" });
  const found = await listOf(there.store.segments("demo"));
  expect(found.map(isPlaceholder)).toEqual([false, false, true, false]);
  expect(textOf(found[2] as Segment)).toContain('[{"type":"lost","reason":"refused","count":3}]');
  expect(await ledger()).toMatchObject({ delivered: 4, setAside: 3, complete: true });
  expect(await here.ledger.aside("demo", "runlog-1")).toMatchObject([
    { writer, seq: 2, index: 0, reason: expect.stringContaining("I do not like it"), item: textOf(bad()) },
  ]);
});

it("it is found by the line that the server names, where those before it are confirmed", async () => {
  const next = { [writer]: 2 };
  there.flaw = async ({ lines }, pass) => {
    const at = lines.findIndex((line) => line.includes("poison"));
    if (at < 0) return pass();
    await there.store.append([first(), losses({ seq: 1 })]);
    return Response.json({ line: at + 1, next }, { status: 422 });
  };
  expect(await deliver()).toEqual({ state: "done" });
  expect(there.posts().map(({ lines }) => lines.length)).toEqual([4, 1, 1]);
  expect(await ledger()).toMatchObject({ delivered: 4, setAside: 3 });
});

it.each([[{ line: 3 }], [{ line: 3, next: { [writer]: 1 } }], [{ line: 99 }], [{ line: "3" }], [{}]])(
  "an answer of %j is not believed: it is found by halving",
  async (body) => {
    there.flaw = refusing(() => undefined, body);
    expect(await deliver()).toEqual({ state: "done" });
    expect((await listOf(there.store.segments("demo"))).map(isPlaceholder)).toEqual([
      false,
      false,
      true,
      false,
    ]);
    expect(await ledger()).toMatchObject({ delivered: 4, setAside: 3 });
  },
);

it.each<[string, () => Response, object]>([
  ["refused", () => Response.json({ detail: "not that either" }, { status: 422 }), { state: "park" }],
  ["too large", () => Response.json({}, { status: 413 }), { state: "park", problem: { code: "too_large" } }],
  ["not answered", () => Response.json({}, { status: 503 }), { state: "retry" }],
  [
    "not confirmed",
    () => Response.json({ next: { [writer]: 2 } }),
    { state: "retry", problem: { code: "wrong_server" } },
  ],
  ["not understood", () => Response.json({}), { state: "retry", problem: { code: "wrong_server" } }],
])("a placeholder that is %s ends the delivery, and sets nothing aside", async (_, answer, outcome) => {
  there.flaw = refusing(answer);
  expect(await deliver()).toMatchObject(outcome);
  expect(await here.ledger.aside("demo", "runlog-1")).toEqual([]);
  expect(await ledger()).toMatchObject({ delivered: 2, setAside: 0, position: { [writer]: [2, 0] } });
});

it.each([
  [410, "run_deleted", "if the deletion was meant"],
  [409, "run_id_taken", "leave runId out"],
])("%d %s parks the run with its own advice", async (status, code, action) => {
  there.flaw = async ({ method }, pass) => (method === "POST" ? Response.json({ code }, { status }) : pass());
  expect(await deliver()).toMatchObject({
    state: "park",
    problem: { code, action: expect.stringContaining(action) },
  });
});

it.each([[{ code: "segment_gap" }], [{ code: "segment_gap", next: { [writer]: 9 } }], [{ code: 7 }], [{}]])(
  "a conflict of %j is tried again later",
  async (body) => {
    there.flaw = async ({ method }, pass) =>
      method === "POST" ? Response.json(body, { status: 409 }) : pass();
    expect(await deliver()).toMatchObject({ state: "retry" });
    expect(await here.ledger.aside("demo", "runlog-1")).toEqual([]);
    expect((await ledger())?.delivered ?? 0).toBe(0);
  },
);

it("a gap that comes again and again is no store's answer", async () => {
  there.flaw = async ({ method }, pass) =>
    method === "POST"
      ? Response.json({ code: "segment_gap", next: { [writer]: -0 } }, { status: 409 })
      : pass();
  await here.ledger.write("demo", "runlog-1", {
    url: there.url,
    position: { [writer]: [2, 0] },
    delivered: 2,
    setAside: 0,
    state: {},
  });
  expect(await deliver()).toMatchObject({ state: "retry", problem: { code: "wrong_server" } });
  expect(there.posts().length).toBeLessThanOrEqual(2);
});
