import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mlflow } from "../../../src/destinations/mlflow/index.ts";
import { type FakeServer, fakeServer } from "./fake-server.ts";
import { deliver, emptyEntry, type Held, hold, startWriter, type TestWriter } from "./harness.ts";

const destination = mlflow("http://127.0.0.1:9");

/** Three writers whose ids are in an order of their own, as a store gives them out: writer by writer. */
function writersOf(held: Held): TestWriter[] {
  return Array.from({ length: 3 }, () => {
    const writer = startWriter(held);
    writer.close();
    return writer;
  });
}

/** One segment that says of a label, a parameter and a value of one step what counts up to `count`. */
function say(writer: TestWriter, count: number): void {
  writer.record({ type: "label", name: "phase", value: String(count - 0.5), time: 1 });
  writer.record({ type: "label", name: "phase", value: String(count), time: 1 });
  writer.record({ type: "parameter", name: "lr", json: count, time: 1 });
  writer.track("note", String(count), 3);
  writer.track("loss", count, count);
  writer.close();
}

const byWriter = (held: Held): Held["segments"] =>
  held.segments.toSorted((one, other) => (one.writer < other.writer ? -1 : 1) || one.seq - other.seq);

async function untilDone(held: Held, server: FakeServer, saved: () => void = () => {}): Promise<void> {
  for (let tries = 0; tries < 2_000; tries++) {
    const options = { call: server.call, saved, segments: byWriter(held) };
    const outcome = await deliver(held, destination, options).catch((error: unknown) => {
      if (error instanceof Error && error.message === "crash") return { state: "retry" };
      throw error;
    });
    if (outcome.state === "done") return;
  }
  throw new Error("never done");
}

/** The texts that a tag was given, without repeats of the one before. */
function textsOf(server: FakeServer, tag: string): number[] {
  const all = server.tagWrites.filter(([name]) => name === tag).map(([, text]) => Number(text));
  return all.filter((text, at) => text !== all[at - 1]);
}

const rising = (numbers: readonly number[]): boolean =>
  numbers.every((number, at) => at === 0 || number > (numbers[at - 1] as number));

describe("a tag", () => {
  it("never carries an older value after a newer one, whatever breaks and however often the ledger is lost", async () => {
    const step = fc.record({ writer: fc.nat({ max: 2 }), deliver: fc.boolean(), lose: fc.nat({ max: 5 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 12 }),
        fc.infiniteStream(fc.nat({ max: 9 })),
        fc.constantFrom(150, 600, 500_000),
        async (steps, dice, maxBytes) => {
          const roll = (): number => dice.next().value;
          const held = hold();
          const writers = writersOf(held);
          held.entry = { ...held.entry, state: { maxBytes } };
          const server = fakeServer(() => roll() < 3);
          const crash = (): void => {
            if (roll() === 0) throw new Error("crash");
          };
          for (const [count, { writer, deliver: now, lose }] of steps.entries()) {
            say(writers[writer] as TestWriter, count + 1);
            if (now) await untilDone(held, server, crash);
            if (lose === 0) held.entry = { ...emptyEntry(), state: { maxBytes } };
          }
          await untilDone(held, server, crash);
          const last = String(steps.length);
          expect(server.tags.get("phase")).toBe(last);
          for (const tag of ["phase", "runlog.param.lr", "note_3"]) {
            expect(rising(textsOf(server, tag)), `${tag}: ${textsOf(server, tag)}`).toBe(true);
            expect(server.tags.get(tag) ?? last).toBe(last);
          }
          // Whoever is first by the clock stands; it was there alone when it was delivered before the others came.
          expect([server.params.get("lr"), server.params.get("note_3")]).toEqual(["1", "1"]);
          expect(server.tags.has("runlog.param.lr")).toBe(steps.length > 1);
          expect(server.rows.size).toBe(steps.length);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("is not written again by a replay that breaks off before the last value", async () => {
    const held = hold();
    const [first, , third] = writersOf(held);
    for (let count = 1; count <= 20; count++) say((count % 2 ? first : third) as TestWriter, count);
    const server = fakeServer();
    await untilDone(held, server);
    for (let at = 1; at < 12; at++) {
      held.entry = { ...emptyEntry(), state: { maxBytes: 300 } };
      let saves = 0;
      const options = {
        call: server.call,
        segments: byWriter(held),
        saved: () => {
          if (++saves === at) throw new Error("crash");
        },
      };
      await deliver(held, destination, options).catch(() => undefined);
      expect([
        server.tags.get("phase"),
        server.tags.get("runlog.param.lr"),
        server.tags.get("note_3"),
      ]).toEqual(["20", "20", "20"]);
    }
  });

  it("follows a value that changes back, also after a lost ledger", async () => {
    const held = hold();
    const server = fakeServer();
    const [writer] = writersOf(held) as [TestWriter];
    for (const count of [1, 2]) say(writer, count);
    await untilDone(held, server);
    expect(server.tags.get("runlog.param.lr")).toBe("2");
    say(writer, 1);
    held.entry = { ...emptyEntry(), state: { maxBytes: 150 } };
    let saves = 0;
    await untilDone(held, server, () => {
      if (++saves === 4) throw new Error("crash");
    });
    expect([server.tags.get("runlog.param.lr"), server.tags.get("note_3"), server.tags.get("phase")]).toEqual(
      ["1", "1", "1"],
    );
  });
});

describe("a param that conflicts", () => {
  it("goes to a tag however often, and beside what is set aside", async () => {
    const held = hold();
    const [writer] = writersOf(held) as [TestWriter];
    const server = fakeServer();
    await untilDone(held, server);
    // Another host is always a moment earlier: at each request one more param has its value.
    let taken = 0;
    const call: typeof server.call = (request) => {
      if (request.path.endsWith("/log-batch") && taken < 60) server.params.set(`p${taken++}`, "theirs");
      if (String(request.body).includes("poison"))
        return Promise.resolve({
          class: "refused",
          status: 400,
          json: { error_code: "INVALID_PARAMETER_VALUE", message: "poison" },
          text: "",
        });
      return server.call(request);
    };
    for (let at = 0; at < 90; at++)
      writer.record({ type: "parameter", name: `p${at}`, json: at === 70 ? "poison" : "ours", time: 1 });
    writer.close();
    expect(await deliver(held, destination, { call })).toEqual({ state: "done" });
    expect(held.aside.map(({ item }) => item)).toMatchObject([{ name: "p70", text: "poison" }]);
    const names = Array.from({ length: 90 }, (_, at) => `p${at}`).filter((name) => name !== "p70");
    for (const name of names) {
      const theirs = server.params.get(name) === "theirs";
      expect([server.params.get(name), server.tags.get(`runlog.param.${name}`)], name).toEqual(
        theirs ? ["theirs", "ours"] : ["ours", undefined],
      );
    }
    expect(names.filter((name) => server.params.get(name) === "theirs").length).toBeGreaterThan(25);
  });
});
