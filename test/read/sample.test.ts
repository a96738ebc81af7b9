import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sampleRows } from "../../src/read/sample.ts";

const anyValue = fc.oneof(fc.double(), fc.constant("text"));

describe("a sample", () => {
  test("is in order, not over its size, and holds both ends and the extremes", () =>
    fc.assert(
      fc.property(fc.array(anyValue, { minLength: 1 }), fc.integer({ min: 4, max: 40 }), (values, size) => {
        const rows = values.map((_, row) => row);
        const kept = sampleRows(values, rows, size);
        expect(kept.length).toBeLessThanOrEqual(size);
        expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b));
        expect(kept).toEqual(expect.arrayContaining([0, values.length - 1]));
        const numbers = values.filter(
          (value): value is number => typeof value === "number" && !Number.isNaN(value),
        );
        if (numbers.length === 0) return;
        const shown = kept.map((row) => values[row]);
        for (const extreme of [Math.min(...numbers), Math.max(...numbers)]) {
          expect(shown.some((value) => value === extreme)).toBe(true);
        }
      }),
    ));

  test("of fewer rows than its size is all of them", () => {
    expect(sampleRows([1, 2, 3, 4, 5], [0, 2, 4], 4)).toEqual([0, 2, 4]);
  });
});
