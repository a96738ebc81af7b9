import { describe, expect, it } from "vitest";
import { mlflow } from "../../../src/destinations/mlflow/index.ts";
import type { Answer, Call } from "../../../src/http/answer.ts";
import { type FakeServer, fakeServer } from "./fake-server.ts";
import { deliver, emptyEntry, type Held, hold, startWriter } from "./harness.ts";

const destination = mlflow("http://127.0.0.1:9");
const maxBytes = 700;

/** Two keys, every odd number, several segments. */
function makeRun(): Held {
  const held = hold();
  held.entry = { ...held.entry, state: { maxBytes } };
  const writer = startWriter(held, { parameters: { lr: { json: 1 } }, labels: { phase: "a" } });
  const odd = [Number.NaN, Infinity, -Infinity, -0, 0.1 + 0.2, 5e-324];
  for (let step = 0; step < 30; step++) {
    writer.track("loss", odd[step % 10] ?? step, step);
    writer.track("accuracy", step / 7, step % 3);
    if (step % 9 === 8) writer.close();
  }
  writer.record({ type: "finish", status: "SUCCESS", time: 1_763_888_999_000 });
  writer.close();
  return held;
}

async function untilDone(held: Held, server: FakeServer, saved: () => void = () => {}): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const outcome = await deliver(held, destination, { call: server.call, saved }).catch((error: unknown) => {
      if (error instanceof Error && error.message === "crash") return { state: "retry" };
      throw error;
    });
    if (outcome.state === "done") return;
  }
  throw new Error("never done");
}

const asksBack = ({ path }: Call): boolean => path.includes("get-history");
const once = (server: FakeServer): void => {
  expect(server.appended.toSorted()).toEqual(Array.from(server.rows).sort());
  expect(server.rows.size).toBe(60);
};

describe.each(["FileStore", "", "AnotherStore"])("a server that keeps doubles, and says '%s'", (keeps) => {
  it("gets each metric once, whichever reply is lost, and is asked back for that alone", async () => {
    const straight = fakeServer(undefined, keeps);
    const held = makeRun();
    const calls: Call[] = [];
    const call = (asked: Call): Promise<Answer> => {
      calls.push(asked);
      return straight.call(asked);
    };
    await untilDone(held, { ...straight, call });
    once(straight);
    expect(calls.filter(asksBack)).toEqual([]);
    expect(destination.notice?.(held.entry)).toBeUndefined();
    for (let at = 1; at <= straight.batches.length; at++) {
      const again = makeRun();
      const server = fakeServer(
        ({ path }) => path.endsWith("log-batch") && server.batches.length === at,
        keeps,
      );
      await untilDone(again, server);
      once(server);
      expect(server.tags.get("phase")).toBe("a");
      expect(again.entry.delivered).toBe(60);
      // The first batch holds params only.
      expect(destination.notice?.(again.entry)).toEqual(
        at === 1 ? undefined : expect.stringMatching(/twice/),
      );
    }
  });

  it("gets each metric once, wherever the client dies and when its ledger is lost", async () => {
    let saves = 0;
    await untilDone(makeRun(), fakeServer(undefined, keeps), () => void saves++);
    for (let at = 1; at <= saves; at++) {
      const held = makeRun();
      const server = fakeServer(undefined, keeps);
      let count = 0;
      await untilDone(held, server, () => {
        if (++count === at) throw new Error("crash");
      });
      once(server);
      held.entry = { ...emptyEntry(), state: { maxBytes } };
      count = 0;
      await untilDone(held, server, () => {
        if (++count === at) throw new Error("crash");
      });
      once(server);
    }
  });
});

it("a server on a database is never asked back", async () => {
  const held = makeRun();
  const asked: string[] = [];
  const server = fakeServer((call) => {
    asked.push(call.path);
    return call.path.endsWith("log-batch") && server.batches.length % 3 === 1;
  });
  await untilDone(held, server);
  held.entry = emptyEntry();
  await untilDone(held, server);
  expect(asked.filter((path) => path.includes("get-history"))).toEqual([]);
  expect(asked.filter((path) => path.endsWith("server-info"))).toHaveLength(2);
  expect(destination.notice?.(held.entry)).toBeUndefined();
});
