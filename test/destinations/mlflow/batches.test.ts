import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bodyOf, type Entry, emptyBatch, limits, tryAdd } from "../../../src/destinations/mlflow/batches.ts";
import { fitText, itemsOf, textOf } from "../../../src/destinations/mlflow/items.ts";
import type { Additions } from "../../../src/destinations/mlflow/resolve.ts";

const entry = (adds: Additions, index = 0): Entry => ({
  clock: 1,
  writer: "w",
  seq: 0,
  index,
  adds,
  next: [0, index + 1],
});

interface Body {
  metrics?: unknown[];
  params?: { key: string }[];
  tags?: { key: string; value: string }[];
}

describe("log-batch bodies", () => {
  it("stay within every limit and hold everything in order, whatever comes", async () => {
    const text = fc.oneof(
      { weight: 9, arbitrary: fc.string() },
      { weight: 1, arbitrary: fc.constant("é😀".repeat(2_000)) },
    );
    const tags = fc.array(fc.tuple(fc.string({ minLength: 1, maxLength: 3 }), text), { maxLength: 2 });
    const adds = fc.oneof(
      { weight: 20, arbitrary: fc.record({ metric: fc.integer().map(String), tags: fc.constant([]) }) },
      { weight: 2, arbitrary: fc.record({ param: fc.tuple(fc.uuid(), text), tags }) },
      { weight: 1, arbitrary: fc.record({ tags }) },
    );
    const maxBytes = 30_000;
    await fc.assert(
      fc.property(fc.array(adds, { maxLength: 300 }), (all) => {
        let batch = emptyBatch();
        const batches = [batch];
        for (const [index, each] of all.entries()) {
          if (tryAdd(batch, entry(each, index), maxBytes)) continue;
          batch = emptyBatch();
          batches.push(batch);
          expect(tryAdd(batch, entry(each, index), maxBytes)).toBe(true);
        }
        expect(batches.flatMap(({ entries }) => entries.map(({ index }) => index))).toEqual(
          all.map((_, index) => index),
        );
        for (const { entries } of batches) {
          const json = bodyOf("run", entries);
          const { metrics = [], params = [], tags: sent = [] } = JSON.parse(json) as Body;
          expect(params.length).toBeLessThanOrEqual(limits.params);
          expect(sent.length).toBeLessThanOrEqual(limits.tags);
          expect(metrics.length + params.length + sent.length).toBeLessThanOrEqual(limits.all);
          const withContent = entries.filter(
            ({ adds: { metric, param, tags: own } }) => metric || param || own.length > 0,
          );
          if (withContent.length > 1)
            expect(new TextEncoder().encode(json).length).toBeLessThanOrEqual(maxBytes + 100);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("take 1,000 metrics and not one more", () => {
    const batch = emptyBatch();
    for (let at = 0; at < 1_000; at++)
      expect(tryAdd(batch, entry({ metric: "1", tags: [] }), limits.bytes)).toBe(true);
    expect(tryAdd(batch, entry({ metric: "1", tags: [] }), limits.bytes)).toBe(false);
    expect(tryAdd(batch, entry({ tags: [] }), limits.bytes)).toBe(true);
  });

  it("count tags among the 1,000", () => {
    const batch = emptyBatch();
    for (let at = 0; at < 40; at++) tryAdd(batch, entry({ tags: [[`t${at}`, ""]] }), limits.bytes);
    let metrics = 0;
    while (tryAdd(batch, entry({ metric: "1", tags: [] }), limits.bytes)) metrics += 1;
    expect(metrics).toBe(960);
  });

  it("count bytes of UTF-8, not characters", () => {
    const batch = emptyBatch();
    let params = 0;
    while (tryAdd(batch, entry({ param: [`p${params}`, "日".repeat(1_000)], tags: [] }), 30_000)) params += 1;
    expect(params).toBe(9);
    expect(new TextEncoder().encode(bodyOf("run", batch.entries)).length).toBeLessThanOrEqual(30_000);
  });

  it("hold the last value of a tag only", () => {
    const body = bodyOf("r", [entry({ tags: [["a", "1"]] }), entry({ tags: [["a", "2"]] })]);
    expect(JSON.parse(body)).toEqual({ run_id: "r", tags: [{ key: "a", value: "2" }] });
  });
});

describe("items of a segment", () => {
  it("are params, metrics, tags, each in the order of the records, with absolute times", () => {
    const items = itemsOf([
      { type: "label", name: "team", value: "x", time: 1 },
      {
        type: "metrics",
        task: "t",
        keys: ["a", "b"],
        key: [1, 0],
        step: [5, -6],
        time: [100, -3],
        value: ["NaN", "-0"],
      },
      { type: "value", task: "main", key: "v", step: 2, time: 3, json: { a: 1 } },
      { type: "run", time: 1, uid: "u", store: "s", parameters: { lr: { json: 0.1 } }, labels: { l: "1" } },
      { type: "finish", status: "SUCCESS", time: 9 },
    ]);
    expect(items).toEqual({
      params: [
        { type: "value", task: "main", key: "v", step: 2, text: '{"a":1}' },
        { type: "parameter", name: "lr", text: "0.1" },
      ],
      rest: [
        { type: "metric", task: "t", key: "b", step: 5, time: 100, value: Number.NaN },
        { type: "metric", task: "t", key: "a", step: -6, time: 97, value: -0 },
        { type: "label", name: "team", text: "x" },
        { type: "label", name: "l", text: "1" },
      ],
      ends: true,
    });
  });

  it("have texts that the server keeps as they are", () => {
    expect(textOf({ json: "a" })).toBe("a");
    expect(textOf({ json: null })).toBe("null");
    expect(textOf({})).toBe("null");
    expect(fitText("x".repeat(7_000), 6_000)).toBe(`${"x".repeat(5_999)}…`);
    expect(fitText(`${"x".repeat(5_998)}😀😀`, 6_000)).toBe(`${"x".repeat(5_998)}…`);
    expect(fitText("a\0b\ud800c", 10)).toBe("a\ufffdb\ufffdc");
  });
});
