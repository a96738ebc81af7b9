import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changeTag, claim, isPathLike, keyName, nameTag } from "../../../src/destinations/mlflow/names.ts";
import { crc32OfText } from "../../../src/model/crc32.ts";

/** What MLflow takes: its own pattern and path rule, with JavaScript's letters for Python's. */
function isTaken(name: string): boolean {
  return /^[\p{L}\p{N}_./: -]+$/u.test(name) && name.length <= 250 && !isPathLike(name);
}

/** Maps names one after the other, as a run does. */
function mapAll(named: readonly { id: string; plain: string }[]): string[] {
  const owners = new Map<string, string>();
  return named.map((each) => {
    const name = claim(owners, each, crc32OfText);
    owners.set(name, crc32OfText(each.id));
    return name;
  });
}

const main = (key: string): { id: string; plain: string } => keyName("main", key, true);

describe("names in MLflow", () => {
  it.each([
    ["loss", "loss"],
    ["train/loss", "train/loss"],
    ["größe 日本", "größe 日本"],
    ["MAP@50", "MAP_at_50"],
    ["loss[d=1]", "loss_d_1_"],
    ["😀", "_"],
    ["a:b", "a:b"],
  ])("%s becomes %s", (key, name) => {
    expect(mapAll([main(key)])).toEqual([name]);
  });

  it.each(["a//b", ".", "..", "/a", "a/", "./a", "a/../b", "...", "x".repeat(251), "@".repeat(80)])(
    "%s, which is no plain name there, gets a hash",
    (key) => {
      const [name = ""] = mapAll([main(key)]);
      expect(name).toMatch(/_[0-9a-f]{6}$/);
      expect(isTaken(name)).toBe(true);
    },
  );

  it("keeps a key apart from one that maps to it, whichever comes first", () => {
    const [first, second] = mapAll([main("a@b"), main("a_at_b")]);
    expect(first).toBe("a_at_b");
    expect(second).toMatch(/^a_at_b_[0-9a-f]{6}$/);
    const [other, changed] = mapAll([main("a_at_b"), main("a@b")]);
    expect(other).toBe("a_at_b");
    expect(changed).toMatch(/^a_at_b_[0-9a-f]{6}$/);
  });

  it("keeps a task's key apart from a key of main that reads the same", () => {
    const [task, key] = mapAll([keyName("train", "loss", true), main("train/loss")]);
    expect(task).toBe("train/loss");
    expect(key).not.toBe(task);
    expect(keyName("train", "loss", false)).toEqual(main("loss"));
  });

  it("leaves a name that another host uses to the same name, not to one that maps to it", () => {
    const owners = new Map([["a_at_b", ""]]);
    expect(claim(owners, main("a_at_b"), crc32OfText)).toBe("a_at_b");
    expect(claim(owners, main("a@b"), crc32OfText)).toMatch(/^a_at_b_[0-9a-f]{6}$/);
  });

  it("never gives two ids one name, and only names that MLflow takes", async () => {
    const part = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 200 })
      .filter((text) => !/\p{Cc}/u.test(text));
    const short = fc.string({
      unit: fc.constantFrom("a", "_", "@", "/", ".", "=", "😀"),
      minLength: 1,
      maxLength: 5,
    });
    const key = fc.oneof(part, short);
    const named = fc
      .tuple(fc.oneof(fc.constant("main"), key), key)
      .map(([task, text]) => keyName(task, text, true));
    await fc.assert(
      fc.property(fc.uniqueArray(named, { selector: ({ id }) => id, maxLength: 40 }), (all) => {
        const names = mapAll(all);
        expect(new Set(names).size).toBe(names.length);
        for (const [index, name] of names.entries()) {
          expect(isTaken(name)).toBe(true);
          expect(changeTag(name, crc32OfText).length).toBeLessThanOrEqual(250);
          if (name !== all[index]?.plain) expect(nameTag(name).length).toBeLessThanOrEqual(250);
        }
        expect(mapAll(all)).toEqual(names);
      }),
    );
  });
});
