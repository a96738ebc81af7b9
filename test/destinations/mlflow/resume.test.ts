import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mlflow } from "../../../src/destinations/mlflow/index.ts";
import { type FakeServer, fakeServer } from "./fake-server.ts";
import { deliver, emptyEntry, type Held, hold, startWriter } from "./harness.ts";

const destination = mlflow("http://127.0.0.1:9");

/** Makes requests so small that every segment is cut in the middle. */
const small = (maxBytes: number): Pick<Held["entry"], "state"> => ({ state: { maxBytes } });

/** Two writers, several segments; params, changes, values that repeat and change, labels, names to be mapped. */
function makeRun(sizes: readonly number[]): Held {
  const held = hold("resume", "ab".repeat(16));
  const writers = [0, 1].map((at) => {
    return startWriter(held, {
      parameters: { lr: { json: at }, same: { json: 1 } },
      labels: { team: `t${at}` },
    });
  });
  for (const [at, size] of sizes.entries()) {
    const writer = writers[at % 2] as (typeof writers)[0];
    for (let step = 0; step < size; step++) {
      writer.track("loss@1", at * 100 + step, step);
      writer.track("loss_at_1", at * 100 + step, step, "t");
      writer.track("note", `${at % 3}`, step % 4);
      if (step % 3 === 0) writer.record({ type: "label", name: "phase", value: `${at}.${step}`, time: 1 });
      if (step % 5 === 0) writer.record({ type: "parameter", name: "lr", json: at + step, time: 1 });
    }
    writer.close();
  }
  writers[0]?.record({ type: "finish", status: "SUCCESS", time: 1_763_888_999_000 });
  for (const writer of writers) writer.close();
  return held;
}

const whole = (server: FakeServer): unknown => [
  Array.from(server.rows).sort(),
  Object.fromEntries(server.params),
  Object.fromEntries(server.tags),
  server.status,
  server.created,
];

/** Delivers until done; every failed try is one. */
async function untilDone(held: Held, server: FakeServer, saved: () => void): Promise<number> {
  for (let tries = 1; ; tries++) {
    if (tries > 5_000) throw new Error("never done");
    const outcome = await deliver(held, destination, { call: server.call, saved }).catch((error: unknown) => {
      if (error instanceof Error && error.message === "crash") return { state: "retry" };
      throw error;
    });
    if (outcome.state === "done") return tries;
  }
}

describe("a delivery that breaks off", () => {
  it.each([200, 1_000, 500_000])(
    "goes on from every save and every lost reply, sending again one batch at most, in requests of %i bytes",
    async (maxBytes) => {
      const sizes = [7, 3, 0, 12, 5];
      const make = (): Held => {
        const held = makeRun(sizes);
        held.entry = { ...held.entry, ...small(maxBytes) };
        return held;
      };
      const straight = fakeServer();
      let allSaves = 0;
      await untilDone(make(), straight, () => void allSaves++);
      const sent = straight.batches.flat().length;
      for (let at = 1; at <= allSaves; at++) {
        let saves = 0;
        const held = make();
        const server = fakeServer();
        await untilDone(held, server, () => {
          if (++saves === at) throw new Error("crash");
        });
        expect(whole(server)).toEqual(whole(straight));
        expect(held.entry.delivered).toBe(3 * 27);
        expect(server.batches.flat().length).toBe(sent);
      }
      for (let at = 1; at <= straight.batches.length; at++) {
        const held = make();
        const server = fakeServer(({ path }) => path.endsWith("log-batch") && server.batches.length === at);
        await untilDone(held, server, () => {});
        expect(whole(server)).toEqual(whole(straight));
        expect(held.entry.delivered).toBe(3 * 27);
        expect(server.batches).toHaveLength(straight.batches.length + 1);
        expect(server.batches[at]).toEqual(server.batches[at - 1]);
      }
    },
  );

  it("loses nothing and doubles nothing under any sequence of crashes and lost replies", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 6 }),
        fc.infiniteStream(fc.nat({ max: 9 })),
        fc.constantFrom(150, 400, 3_000, 500_000),
        async (sizes, dice, maxBytes) => {
          const straight = fakeServer();
          await untilDone(makeRun(sizes), straight, () => {});
          const roll = (): number => dice.next().value;
          const server = fakeServer(() => roll() < 3);
          const held = makeRun(sizes);
          held.entry = { ...held.entry, ...small(maxBytes) };
          await untilDone(held, server, () => {
            if (roll() === 9) throw new Error("crash");
          });
          expect(whole(server)).toEqual(whole(straight));
          expect(held.entry.delivered).toBe(3 * sizes.reduce((sum, size) => sum + size, 0));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("takes segments as they come, and ends the same", async () => {
    const sizes = [7, 3, 12];
    const straight = fakeServer();
    await untilDone(makeRun(sizes), straight, () => {});
    const held = makeRun(sizes);
    const server = fakeServer();
    for (let count = 1; count <= held.segments.length; count++) {
      const segments = held.segments.slice(0, count);
      expect(await deliver(held, destination, { call: server.call, segments })).toEqual({ state: "done" });
    }
    expect(whole(server)).toEqual(whole(straight));
    expect(new Set(server.batches.flat()).size).toBe(server.batches.flat().length);
  });

  it("delivers everything once more without harm when the ledger is lost", async () => {
    const server = fakeServer();
    const held = makeRun([5, 9]);
    await untilDone(held, server, () => {});
    const before = whole(server);
    held.entry = emptyEntry();
    await untilDone(held, server, () => {});
    expect(whole(server)).toEqual(before);
  });

  it("sends the params of a segment that arrives between params and metrics", async () => {
    const held = hold();
    const writer = startWriter(held, { parameters: { a: { json: 1 } } });
    writer.track("loss", 1);
    writer.close();
    writer.track("note", "late");
    writer.track("loss", 2, 1);
    const server = fakeServer(({ path }) => {
      if (held.segments.length === 1 && path.endsWith("log-batch")) writer.close();
      return false;
    });
    expect(await deliver(held, destination, { call: server.call })).toEqual({ state: "done" });
    expect(await deliver(held, destination, { call: server.call })).toEqual({ state: "done" });
    expect(server.params.get("note_0")).toBe("late");
    expect(server.rows.size).toBe(2);
    expect(held.entry.delivered).toBe(3);
  });
});

describe("a param that changes", () => {
  it("keeps its first value and has the latest in a tag, also when it changes back", async () => {
    const held = hold();
    const server = fakeServer();
    const writer = startWriter(held, { parameters: { lr: { json: 1 } } });
    const tell = async (lr: number, note: string): Promise<void> => {
      writer.record({ type: "parameter", name: "lr", json: lr, time: 1 });
      writer.track("note", note, 4);
      writer.close();
      expect(await deliver(held, destination, { call: server.call })).toEqual({ state: "done" });
    };
    await tell(1, "a");
    expect(server.tags.has("runlog.param.lr") || server.tags.has("note_4")).toBe(false);
    await tell(2, "b");
    expect([server.tags.get("runlog.param.lr"), server.tags.get("note_4")]).toEqual(["2", "b"]);
    await tell(1, "a");
    expect([server.tags.get("runlog.param.lr"), server.tags.get("note_4")]).toEqual(["1", "a"]);
    expect(Object.fromEntries(server.params)).toEqual({ lr: "1", note_4: "a" });
  });

  it("never shares a name with a parameter, a label or another key", async () => {
    const held = hold();
    const server = fakeServer();
    const parameters = { spam_0: { json: "parameter" }, "runlog.uid": { json: "p" } };
    const writer = startWriter(held, { parameters, labels: { spam_1: "label", "runlog.uid": "mine" } });
    for (const [step, value] of ["a", "b", "c"].entries()) writer.track("spam", value, step);
    writer.track("spam", "changed", 1);
    writer.close();
    expect(await deliver(held, destination, { call: server.call })).toEqual({ state: "done" });
    const originals = Array.from(server.tags).filter(([tag]) => tag.startsWith("runlog.name."));
    const named = new Map(originals.map(([tag, original]) => [original, tag.slice("runlog.name.".length)]));
    expect(server.params.get("spam_0")).toBe("parameter");
    expect(server.params.get(named.get("spam\nstep 0") ?? "")).toBe("a");
    expect(server.params.get("spam_1")).toBe("b");
    const tags = Array.from(server.tags).filter(([tag]) => !tag.startsWith("runlog."));
    expect(Array.from(tags, ([, text]) => text).sort()).toEqual(["changed", "label", "mine"]);
    expect(server.tags.has("runlog.uid")).toBe(false);
  });
});
