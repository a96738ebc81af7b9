import { createContext, runInContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { encodeValue, ValueRule } from "../../src/model/value.ts";

class Tensor {
  readonly data = (): Promise<number[]> => Promise.resolve([1]);
}
class Model {
  readonly layers = 3;
}
class MinifiedTensor {
  dataSync(): number[] {
    return [1];
  }
}
class Pretender {
  readonly [Symbol.toStringTag] = "ArrayBuffer";
}

function refusal(value: unknown): string {
  try {
    encodeValue(value);
  } catch (error) {
    expect(error).toBeInstanceOf(ValueRule);
    return (error as Error).message;
  }
  throw new Error("it was taken");
}

function cycle(make: () => { value: object; add: (item: unknown) => void }): object {
  const { value, add } = make();
  add({ deeper: [value] });
  return value;
}

const throwing = (trap: string): object =>
  new Proxy(
    {},
    {
      [trap]: () => {
        throw new Error("secret of the trap");
      },
    },
  );
const revoked = Proxy.revocable({}, {});
revoked.revoke();
const large = "is over 1 MiB as JSON; keep it as a file and track its name";
const many = "holds more than 10,000 values; keep it as a file and track its name";
const loops = "holds itself (a cycle); track a copy without it";
const unreadable = "holds an object that throws when it is read; track a plain copy of it";

describe("what cannot be kept is refused with its reason", () => {
  it.each<[string, () => unknown, string]>([
    [
      "a function",
      () => () => 1,
      "holds a function, which cannot be stored; track what it returns or stands for",
    ],
    [
      "a method inside",
      () => ({ a: [class {}] }),
      "holds a function, which cannot be stored; track what it returns or stands for",
    ],
    [
      "a symbol",
      () => Symbol("s"),
      "holds a symbol, which cannot be stored; track what it returns or stands for",
    ],
    ["a symbol as key", () => ({ [Symbol.iterator]: 1 }), "has a symbol as key; use a string"],
    ["a promise", () => Promise.resolve(1), "is a Promise: await it and track the result"],
    [
      "a thenable",
      () =>
        new (class Later {
          // biome-ignore lint/suspicious/noThenProperty: a thenable is what this is about
          then = () => 1;
        })(),
      "is a Later: await it and track the result",
    ],
    [
      "a class instance",
      () => ({ a: new Model() }),
      "holds a Model, a class that cannot be stored; track a plain object of what matters in it",
    ],
    ["a tensor", () => new Tensor(), "is a Tensor: pass (await t.data())[0]"],
    ["a tensor of a minified library", () => new MinifiedTensor(), "is a Tensor: pass (await t.data())[0]"],
    ["an error", () => new TypeError("x"), "is an TypeError: track its message"],
    ["a Blob", () => new Blob(["x"]), "is a Blob: keep it as a file and track its name"],
    [
      "a WeakMap",
      () => new WeakMap(),
      "holds a WeakMap, a class that cannot be stored; track a plain object of what matters in it",
    ],
    [
      "a boxed number",
      () => Object(1),
      "holds a Number, a class that cannot be stored; track a plain object of what matters in it",
    ],
    [
      "shared memory",
      () => new SharedArrayBuffer(4),
      "holds a SharedArrayBuffer, a class that cannot be stored; track a plain object of what matters in it",
    ],
    [
      "what only calls itself an ArrayBuffer",
      () => new Pretender(),
      "holds a Pretender, a class that cannot be stored; track a plain object of what matters in it",
    ],
    ["an invalid Date", () => [new Date("no")], "holds an invalid Date; track the text it came from"],
    [
      "a cycle through an object",
      () =>
        cycle(() => {
          const value: Record<string, unknown> = {};
          return {
            value,
            add: (item) => {
              value.a = item;
            },
          };
        }),
      loops,
    ],
    [
      "a cycle through an array",
      () =>
        cycle(() => {
          const value: unknown[] = [];
          return { value, add: (item) => value.push(item) };
        }),
      loops,
    ],
    [
      "a cycle through a Map",
      () =>
        cycle(() => {
          const value = new Map();
          return { value, add: (item) => value.set(item, 1) };
        }),
      loops,
    ],
    [
      "a cycle through a Set",
      () =>
        cycle(() => {
          const value = new Set();
          return { value, add: (item) => value.add(item) };
        }),
      loops,
    ],
    [
      "a getter that throws",
      () => ({
        get bad() {
          throw new Error("secret");
        },
      }),
      "has a getter 'bad' that throws; track a plain value",
    ],
    ["a proxy that throws for its keys", () => throwing("ownKeys"), unreadable],
    ["a proxy that throws for its prototype", () => [throwing("getPrototypeOf")], unreadable],
    ["a revoked proxy", () => revoked.proxy, unreadable],
    ["a detached buffer", detachedView, unreadable],
    ["10,001 values in an array", () => Array.from({ length: 10_000 }, () => 1), many],
    [
      "10,001 values in an object",
      () => Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [index, 1])),
      many,
    ],
    ["a huge sparse array", () => new Array(2 ** 32 - 1), many],
    [
      "a Map of 10,000 entries",
      () => new Map(Array.from({ length: 10_000 }, (_, index) => [index, 1])),
      many,
    ],
    ["10 MB of text", () => "x".repeat(10_000_000), large],
    [
      "a bigint of a million digits",
      () => [10n ** 1_000_000n],
      "holds a bigint of more than 32,768 bits; track its text",
    ],
    ["10 MB in a key", () => ({ ["x".repeat(10_000_000)]: 1 }), large],
    ["1 MiB of text once in UTF-8", () => "\u2028".repeat(400_000), large],
    ["1 MiB of text once escaped", () => "\u0000".repeat(200_000), large],
    ["10 MB of bytes", () => new ArrayBuffer(10_000_000), large],
    ["1 MiB of numbers once written out", () => new Float64Array(100_000).fill(Math.PI), large],
    [
      "a long key above many rich values",
      () => ({ ["k".repeat(100_000)]: Array.from({ length: 1_000 }, () => 1n) }),
      large,
    ],
    [
      "__proto__ beside a rich value",
      () => ({ at: new Date(), in: JSON.parse('{"__proto__":1}') }),
      "has the key '__proto__' beside a value that JSON lacks; rename that key",
    ],
    [
      "constructor above a rich value",
      () => ({ constructor: NaN }),
      "has the key 'constructor' beside a value that JSON lacks; rename that key",
    ],
    [
      "prototype beside a rich value",
      () => new Map([["a", { prototype: 1 }]]),
      "has the key 'prototype' beside a value that JSON lacks; rename that key",
    ],
  ])("%s", (_, make, message) => expect(refusal(make())).toBe(message));

  it("33 levels, and 100,000 without exhausting the stack", () => {
    for (const levels of [33, 100_000]) {
      let list: unknown = 1;
      let object: unknown = 1;
      let map: unknown = 1;
      for (let level = 0; level < levels; level++) {
        list = [list];
        object = { object };
        map = new Map([[map, 1]]);
      }
      for (const deep of [list, object, map])
        expect(refusal(deep)).toBe("is nested deeper than 32 levels; flatten it");
    }
  });

  it("looks at no more than it takes: 10,000 of a million getters at most", () => {
    let reads = 0;
    const wide = {
      get each() {
        reads += 1;
        return Array.from({ length: 9_000 }, () => 1);
      },
    };
    expect(refusal(Array.from({ length: 9_000 }, () => wide))).toBe(many);
    expect(reads).toBeLessThan(3);
  });
});

describe("what comes from another context", () => {
  const context = createContext({});
  it("is taken when it is plain or bytes", () => {
    expect(encodeValue(runInContext("({ a: [1] })", context))).toEqual({ json: '{"a":[1]}' });
    expect(encodeValue(runInContext("Uint8Array.of(1, 2)", context)).json).toBe("[1,2]");
    expect(encodeValue(runInContext("Uint8Array.of(1, 2).buffer", context)).json).toBe("[1,2]");
  });
});

function detachedView(): DataView {
  const view = new DataView(new ArrayBuffer(8));
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
}
