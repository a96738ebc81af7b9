import { isRunlogError, memoryStore, openStore, type Run, runLogStore, startRun } from "runlog";
import { describe, expect, it, vi } from "vitest";
import { listOf } from "../contract/segments.ts";

/** What is far too deep, too long or never done: refused in words, nothing of it kept, and the process goes on. */

vi.setConfig({ testTimeout: 120_000 });

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}
const deepText = (levels: number): string => `${"[".repeat(levels)}1${"]".repeat(levels)}`;
const cyclic = (): unknown => {
  const value: Record<string, unknown> = {};
  value["self"] = [value];
  return value;
};
const endlessly = (): unknown =>
  new Proxy(
    {},
    {
      get: () => endlessly(),
      ownKeys: () => ["a"],
      getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    },
  );
const grows = (): unknown => ({
  get more() {
    return Array.from({ length: 100 }, grows);
  },
});

const bombs: Readonly<Record<string, () => unknown>> = {
  "100,000 levels": () => deep(100_000),
  "10 MB of text": () => ["x".repeat(10_000_000)],
  "a text of 500 MB": () => "x".repeat(500_000_000),
  "a million keys": () => Object.fromEntries(Array.from({ length: 1_000_000 }, (_, at) => [`k${at}`, at])),
  "a million items": () => new Array(1_000_000).fill(0),
  "an array of 2^32 - 1 holes": () => new Array(2 ** 32 - 1),
  "an array that says it is endless": () =>
    new Proxy([], { get: (target, key) => (key === "length" ? Infinity : Reflect.get(target, key)) }),
  "a cycle": cyclic,
  "a getter that throws": () => ({
    get a() {
      throw new Error("no");
    },
  }),
  "a getter that grows": grows,
  "a proxy without end": endlessly,
  "a proxy that throws for everything": () =>
    new Proxy(
      {},
      new Proxy(
        {},
        {
          get: () => () => {
            throw new Error("no");
          },
        },
      ),
    ),
  "toJSON that throws": () => ({
    toJSON() {
      throw new Error("no");
    },
  }),
  "toJSON that gives itself": () => {
    const self = { toJSON: (): unknown => self };
    return self;
  },
  "a bigint of a million digits": () => 10n ** 1_000_000n,
  "a Map that holds itself": () => {
    const map = new Map();
    return map.set("a", map);
  },
  "a Set of 20,000": () => new Set(Array.from({ length: 20_000 }, (_, at) => at)),
  "2 GB of bytes": () => new Uint8Array(2 ** 31 - 1),
  "a Map whose iterator never ends": () =>
    Object.assign(new Map(), {
      *[Symbol.iterator]() {
        for (;;) yield ["a", 1];
      },
    }),
  "a Date that throws": () =>
    Object.assign(new Date(0), {
      getTime() {
        throw new Error("no");
      },
    }),
};

describe("a value", () => {
  it.each(Object.entries(bombs))(
    "that is %s is refused everywhere, and nothing of the call is kept",
    async (_, make) => {
      const store = memoryStore();
      const run = startRun({ store, syncTo: [], quiet: true });
      const value = make();
      const ways: Record<string, () => unknown> = {
        track: () => run.track({ before: 1, bomb: value, after: 2 }),
        task: () => run.task("t", (task) => task.track({ bomb: value, after: 2 })),
        parameters: () => startRun({ store, syncTo: [], quiet: true, parameters: { bomb: value } }),
        where: () => listOf(runLogStore("http://127.0.0.1:9").runs({ where: { "parameters.a": value } })),
      };
      for (const [way, attempt] of Object.entries(ways)) {
        const error: unknown = await (async () => await attempt())().then(
          () => undefined,
          (why: unknown) => why,
        );
        if (way === "where") expect(error, way).toBeInstanceOf(Error);
        else expect(isRunlogError(error, "invalid") && error.message, way).toMatch(/^'bomb' .{10,200}$/);
      }
      run.track({ good: 1 });
      await run.finish("SUCCESS");
      const rows = await openStore(store).rows(run.id);
      expect(rows.map(({ key }) => key)).toEqual(["good"]);
      expect(await listOf(store.runs())).toHaveLength(1);
    },
  );

  it("names, steps and options that are bombs are refused with short words", async () => {
    const store = memoryStore();
    const run = startRun({ store, syncTo: [], quiet: true });
    const long = "x".repeat(10_000_000);
    const attempts: (() => unknown)[] = [
      () => run.track({ [long]: 1 }),
      () => run.track({ a: 1 }, { step: long as unknown as number }),
      () => run.track({ a: 1 }, { step: endlessly() as number }),
      () => run.track(endlessly() as Record<string, unknown>),
      () => run.task(long, () => undefined),
      () => startRun({ store, runId: long }),
      () => startRun({ store, tag: long }),
      () => startRun({ store, labels: { [long]: "a" } }),
      () => startRun({ store, parameters: { [long]: 1 } }),
    ];
    for (const [at, attempt] of attempts.entries()) {
      const error: unknown = await (async () => await attempt())().then(
        () => undefined,
        (why: unknown) => why,
      );
      expect(isRunlogError(error, "invalid") && error.message.length, `attempt ${at}`).toBeLessThan(500);
    }
    await run.finish();
    expect(await listOf(store.runs())).toHaveLength(1);
  });
});

describe("MAGNUS_TRACK_* variables", () => {
  it.each([
    ["100,000 levels", deepText(100_000)],
    ["100,000 levels under an escaped key", `{"\\n":${deepText(100_000)}}`],
    ["10 MB of text", `"${"x".repeat(10_000_000)}"`],
    ["10 MB that is no JSON", `{${"\\".repeat(10_000_000)}`],
    [
      "a million keys",
      JSON.stringify(Object.fromEntries(Array.from({ length: 1_000_000 }, (_, at) => [`k${at}`, 0]))),
    ],
    [
      "a number of a million digits, within a list of 20,000",
      `[${"9".repeat(1_000_000)},${"0,".repeat(20_000)}0]`,
    ],
  ])("with %s are told, and the run ends well", async (_, text) => {
    const store = memoryStore();
    const run: Run = startRun({ store, syncTo: [], quiet: true });
    process.env["MAGNUS_TRACK_BOMB"] = text;
    const report = await run.finish();
    expect(process.env["MAGNUS_TRACK_BOMB"]).toBeUndefined();
    expect(report).toMatchObject({ status: "SUCCESS", tracked: 0 });
    expect(report.environment.join()).toMatch(/^MAGNUS_TRACK_BOMB: 'bomb' .{10,200}$/);
    expect(await openStore(store).rows(run.id)).toEqual([]);
  });
});
