import { describe, expect, it } from "vitest";
import { encodeSegment } from "../../../src/model/segment-line.ts";
import { hold, startWriter } from "./harness.ts";
import { batches, losses, refuse, serverThat, steps, upTo } from "./judging-server.ts";

/** What a server refuses, by answers of the tests' own; the real one is asked in faults.test.ts. */

const done = { state: "done" };

describe("what MLflow refuses for good", () => {
  it.each([[[0]], [[63]], [[31]], [[20, 50]], [[5, 6]], [[0, 31, 32, 63]]])(
    "metrics at %j are set aside in its words, the others arrive, and nothing is sent again",
    async (poison) => {
      const bad = (body: string): boolean => poison.some((step) => body.includes(`"step":${step}}`));
      const asked = serverThat((name, body) =>
        name === "runs/log-batch" && bad(body)
          ? refuse(400, "INVALID_PARAMETER_VALUE", "no such step")
          : undefined,
      );
      const held = losses(64);
      expect(await asked.deliver(held)).toEqual(done);
      expect(held.aside.map(({ seq, index, reason }) => [seq, index, reason])).toEqual(
        poison.map((index) => [0, index, "INVALID_PARAMETER_VALUE: no such step"]),
      );
      expect(steps(asked)).toEqual(upTo(64).filter((step) => !poison.includes(step)));
      expect(held.entry).toMatchObject({ delivered: 64 - poison.length, setAside: poison.length });
      expect(batches(asked)).toBeLessThanOrEqual(2 * 6 * poison.length + 2);
      const before = batches(asked);
      expect(await asked.deliver(held)).toEqual(done);
      expect(batches(asked)).toBe(before);
    },
  );

  it("params are set aside alone, and cost no metric", async () => {
    const asked = serverThat((name, body) =>
      name === "runs/log-batch" && body.includes("poison")
        ? refuse(400, "INVALID_PARAMETER_VALUE", "no")
        : undefined,
    );
    const held = hold();
    const writer = startWriter(held, {
      parameters: { a: { json: 1 }, b: { json: "poison" }, c: { json: 3 } },
    });
    writer.track("loss", 1);
    writer.close();
    expect(await asked.deliver(held)).toEqual(done);
    expect(held.aside).toHaveLength(1);
    expect(held.aside[0]?.item).toMatchObject({ name: "b" });
    expect([...asked.server.params]).toEqual([
      ["a", "1"],
      ["c", "3"],
    ]);
    expect(steps(asked)).toEqual([0]);
  });

  it("a segment that cannot be read is set aside whole, and holds up nothing", async () => {
    const asked = serverThat(() => undefined);
    const held = losses(2);
    await asked.deliver(held);
    const writer = held.segments[0]?.writer as string;
    const name = { run: held.run, writer, seq: 1, clock: 1_763_888_000_100 };
    held.segments.push(encodeSegment(name, ['{"type":"metrics","task":1}']));
    expect(await asked.deliver(held)).toEqual(done);
    expect(held.aside).toMatchObject([{ writer, seq: 1, index: 0, item: { type: "segment" } }]);
    expect(held.entry.position[writer]).toEqual([2, 0]);
    expect(steps(asked)).toEqual([0, 1]);
  });
});

describe("a request that is too large", () => {
  it("is halved, and those after it are as small as the server wants them, also next time", async () => {
    const most = 12_000;
    const sizes: number[] = [];
    const asked = serverThat((name, body) => {
      if (name !== "runs/log-batch") return undefined;
      sizes.push(body.length);
      return body.length > most ? { class: "halve", status: 413, text: "" } : undefined;
    });
    const held = losses(900);
    expect(await asked.deliver(held)).toEqual(done);
    expect(held.aside).toEqual([]);
    expect(steps(asked)).toEqual(upTo(900));
    expect(sizes[0]).toBeGreaterThan(4 * most);
    expect(sizes.filter((size) => size > most).length).toBeLessThanOrEqual(7);
    sizes.length = 0;
    const next = losses(900);
    next.entry = { ...next.entry, state: { maxBytes: held.entry.state["maxBytes"] } };
    expect(await asked.deliver(next)).toEqual(done);
    expect(sizes.filter((size) => size > most)).toEqual([]);
    expect(Math.max(...sizes)).toBeGreaterThan(most / 4);
  });

  it("and holds one item is set aside", async () => {
    const asked = serverThat((name, body) =>
      name === "runs/log-batch" && body.includes("xxxx")
        ? { class: "halve", status: 413, text: "" }
        : undefined,
    );
    const held = hold();
    const writer = startWriter(held);
    writer.track("note", "x".repeat(5_000));
    writer.track("loss", 1);
    writer.close();
    expect(await asked.deliver(held)).toEqual(done);
    expect(held.aside).toMatchObject([{ item: { key: "note" }, reason: expect.stringContaining("413") }]);
    expect(steps(asked)).toEqual([0]);
    expect(held.entry.state["maxBytes"]).toBe(4_096);
  });
});

describe("a param that has another value there", () => {
  it("goes to a tag, once the server's values are known", async () => {
    const asked = serverThat((name, _, count) => {
      // Another host was faster.
      if (name === "runs/log-batch" && count === 1) asked.server.params.set("lr", "9");
      return undefined;
    });
    const held = hold();
    const writer = startWriter(held, { parameters: { lr: { json: 1 }, batch: { json: 32 } } });
    writer.track("loss", 1);
    writer.close();
    expect(await asked.deliver(held)).toEqual(done);
    expect(held.aside).toEqual([]);
    expect(Object.fromEntries(asked.server.params)).toEqual({ lr: "9", batch: "32" });
    expect(asked.server.tags.get("runlog.param.lr")).toBe("1");
    expect(steps(asked)).toEqual([0]);
  });

  it("is set aside by a server that says so for ever, also one that names no code", async () => {
    const message = "Changing param values is not allowed. Param with key='lr' was already logged";
    const asked = serverThat((name, body) =>
      name === "runs/log-batch" && body.includes('"params"') ? refuse(500, "", message) : undefined,
    );
    const held = hold();
    const writer = startWriter(held, { parameters: { lr: { json: 1 } } });
    writer.track("loss", 1);
    writer.close();
    expect(await asked.deliver(held)).toEqual(done);
    expect(held.aside).toMatchObject([{ item: { name: "lr" }, reason: message }]);
    expect(steps(asked)).toEqual([0]);
    expect(batches(asked)).toBeLessThan(60);
  });

  it("written by two hosts in the same moment is told as a bad request once, and is there", async () => {
    const held = hold();
    startWriter(held, { parameters: { lr: { json: 1 } } }).close();
    const asked = serverThat((name, _, count) =>
      name === "runs/log-batch" && count === 1 ? refuse(400, "BAD_REQUEST", "integrity") : undefined,
    );
    expect(await asked.deliver(held)).toEqual(done);
    expect(held.aside).toEqual([]);
    expect(batches(asked)).toBe(2);
    expect([...asked.server.params.keys()]).toEqual(["lr"]);
  });

  it("a bad request without params is none of that", async () => {
    const asked = serverThat((name) =>
      name === "runs/log-batch" ? refuse(400, "BAD_REQUEST", "integrity") : undefined,
    );
    const held = losses(1);
    expect(await asked.deliver(held)).toEqual(done);
    expect(held.aside).toHaveLength(1);
    expect(batches(asked)).toBe(1);
  });
});
