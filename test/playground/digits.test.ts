import { expect, test } from "vitest";
import { readDigits } from "../../playground/digits/data.ts";
import { loadDigits } from "../../playground/digits/load.ts";
import { defaults, training } from "../../playground/digits/model.ts";
import { trackTraining } from "../../playground/digits/tracked.ts";

const digits = loadDigits();

test("the data are scikit-learn's 1,797 images", () => {
  const labels = [...digits.train.labels, ...digits.test.labels];
  const counts = Array.from({ length: 10 }, (_, digit) => labels.filter((label) => label === digit).length);
  // What load_digits() gives: numpy.bincount(target), and data.sum().
  expect(counts).toEqual([178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
  const inked = [...digits.train.pixels, ...digits.test.pixels].reduce((sum, pixel) => sum + pixel * 16, 0);
  expect(inked).toBe(561_718);
  expect(digits.test.labels).toHaveLength(359);
});

test("a line that is no image is refused", () => {
  expect(() => readDigits("7 0123\n")).toThrow(/no image of a digit: "7 0123"/);
});

test("training reaches at least 90 % on images it has not seen", () => {
  const steps = [...training(digits, defaults)];
  const last = steps.at(-1)?.epoch;
  expect(last?.accuracy).toBeGreaterThanOrEqual(0.9);
  expect(steps.filter(({ epoch }) => epoch !== undefined)).toHaveLength(defaults.epochs);
  const right = last?.confusion.reduce((sum, row, digit) => sum + (row[digit] ?? 0), 0);
  expect(last?.confusion.flat().reduce((sum, count) => sum + count)).toBe(359);
  expect(right).toBe(Math.round((last?.accuracy ?? 0) * 359));
});

test("the same parameters give the same training, another seed another one", () => {
  const first = (seed: number) => [...training(digits, { ...defaults, seed, epochs: 1 })];
  expect(first(1)).toEqual(first(1));
  expect(first(2)).not.toEqual(first(1));
});

test("a training that goes on tracks exactly the steps that are missing", async () => {
  const parameters = { ...defaults, epochs: 2 };
  const tracked = async (after: number) => {
    const calls: unknown[] = [];
    await trackTraining(
      { track: (values, options) => void calls.push([values, options]) },
      digits,
      parameters,
      { after },
    );
    return calls;
  };
  const whole = await tracked(0);
  expect(whole).toHaveLength(88);
  expect(await tracked(30)).toEqual(whole.slice(30));
});
