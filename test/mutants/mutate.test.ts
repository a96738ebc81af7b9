import { afterEach, expect, it } from "vitest";
import { mutate } from "./mutate.ts";

const source = `
const outside = 1 < 2;
export async function save(file, least) {
  if (file.size > least && file.open) throw new Error("full");
  await file.sync();
  file.dirty = false;
  return file.size + 1;
}`;

/** The function `save` of the source with one mutant awake. */
function saveWith(awake: number): (file: object, least: number) => Promise<number> {
  globalThis.mutant = (id) => id === awake;
  const mutated = mutate("a.ts", source, 10).source.replaceAll("export ", "");
  return new Function(`${mutated}; return save;`)() as ReturnType<typeof saveWith>;
}

/** What saving did to a file. */
async function doneBy(awake: number, size: number): Promise<string> {
  const syncs: number[] = [];
  const file = { size, open: true, dirty: true, sync: () => syncs.push(size) };
  const came = await saveWith(awake)(file, 5).catch((error: Error) => error.message);
  return [came, `synced ${syncs.length}`, file.dirty ? "dirty" : "clean"].join(", ");
}

const before = globalThis.mutant;
afterEach(() => {
  globalThis.mutant = before;
});

it("each mutant is named by its function and its change, and has its line", () => {
  const { mutants } = mutate("a.ts", source, 10);
  expect(mutants.map(({ line, key }) => `${line} ${key}`)).toEqual([
    "4 a.ts save: if (file.size > least && file.open) is always true",
    "4 a.ts save: if (file.size > least && file.open) is always false",
    "4 a.ts save: file.size > least && file.open becomes file.size > least || file.open",
    "4 a.ts save: file.size > least becomes file.size >= least",
    "5 a.ts save: without await file.sync();",
    "5 a.ts save: not awaited: await file.sync()",
    "6 a.ts save: file.dirty = false becomes true",
    "7 a.ts save: file.size + 1 becomes file.size",
  ]);
});

it.each([
  ["none", 0, 5, "6, synced 1, clean"],
  ["none", 0, 6, "full, synced 0, dirty"],
  ["always true", 10, 5, "full, synced 0, dirty"],
  ["always false", 11, 6, "7, synced 1, clean"],
  ["or for and", 12, 5, "full, synced 0, dirty"],
  ["another comparison", 13, 5, "full, synced 0, dirty"],
  ["no call", 14, 5, "6, synced 0, clean"],
  ["another flag", 16, 5, "6, synced 1, dirty"],
  ["no step", 17, 5, "5, synced 1, clean"],
])("awake alone, %s does what it says (%d, size %d)", async (_, awake, size, expected) => {
  expect(await doneBy(awake, size)).toBe(expected);
});

it("what a condition says already is no mutant of its own", () => {
  const { mutants } = mutate("a.ts", "const one = async () => { if (a === b) await go(); throw c; };", 0);
  expect(mutants.map(({ key }) => key.replace("a.ts one: ", ""))).toEqual([
    "if (a === b) is always true",
    "if (a === b) is always false",
    "not awaited: await go()",
    "without throw c;",
  ]);
});

it("the same change twice in a function has a number", () => {
  const { mutants } = mutate("a.ts", "const twice = () => { go(); go(); };", 0);
  expect(mutants.map(({ key }) => key)).toEqual([
    "a.ts twice: without go();",
    "a.ts twice: without go(); #2",
  ]);
});
