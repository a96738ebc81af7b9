import { writeFileSync } from "node:fs";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { isRunlogError, memoryStore, openStore, type Run, runLogStore, startRun } from "runlog";
import { serve } from "runlog/server";
import { afterAll, describe, expect, it, vi } from "vitest";
import { byteLines } from "../../src/cli/lines.ts";
import { parseJson } from "../../src/model/json.ts";
import { encodeSegment, maxSegmentBytes, readRecords } from "../../src/model/segment-line.ts";
import { cli, temporaryFolder } from "../cli/cli.ts";
import { listOf, segmentOf, textOf, writerOf } from "../contract/segments.ts";
import { scriptedServer } from "../http/scripted-server.ts";

/** What is far too deep, too long or never done: refused in words, nothing of it kept, and the process goes on. */

vi.setConfig({ testTimeout: 120_000 });

const folder = temporaryFolder();
afterAll(folder.remove);

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

/** Lines of segments that are bombs; each is refused or is damage. */
const lines: Readonly<Record<string, string>> = {
  "100,000 levels": sealed(
    `{"type":"value","task":"main","key":"k","step":0,"time":1,"json":${deepText(100_000)}}`,
  ),
  "100,000 levels in a record of another type": sealed(`{"type":"new","json":${deepText(100_000)}}`),
  "100,000 levels under an escaped key": sealed(`{"type":"new","\\n":${deepText(100_000)}}`),
  "2 million levels": sealed(deepText(2_000_000)),
  "3 MiB of quotes, unfinished": sealed(`{"a\\n":1},"${'\\"'.repeat(1_600_000)}`),
  "3 MiB of private characters beside an escaped key": sealed(
    `{"a\\n":1,"type":5},"${"\ue000".repeat(1_000_000)}"`,
  ),
  "more than 4 MiB": sealed(`{"type":"new","json":"${"x".repeat(maxSegmentBytes)}"}`),
};

function sealed(records: string): string {
  return textOf(encodeSegment({ run: "bomb", writer: writerOf(0), seq: 1, clock: 2 }, [records]));
}

describe("a segment", () => {
  const first = segmentOf({ run: "bomb", seq: 0, mark: "first" });

  it.each(Object.entries(lines))(
    "with %s is refused by a server and an import, packed or not",
    async (_, line) => {
      const store = memoryStore();
      const server = await serve({ store, port: 0 });
      const post = (body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> =>
        fetch(`${server.url}/v1/runs/bomb/segments`, {
          method: "POST",
          headers: { "content-type": "application/x-ndjson", ...headers },
          body: typeof body === "string" ? body : new Uint8Array(body),
        });
      const body = `${textOf(first)}\n${line}\n`;
      try {
        for (const response of [
          await post(body),
          await post(gzipSync(body), { "content-encoding": "gzip" }),
        ]) {
          expect(response.status).toBe(422);
          expect(await response.json()).toMatchObject({
            code: "segment_damaged",
            line: 2,
            next: { [first.writer]: 1 },
          });
        }
        expect(
          (await post(gzipSync(Buffer.alloc(1_073_741_824)), { "content-encoding": "gzip" })).status,
        ).toBe(413);
        const other = openStore(memoryStore());
        const error: unknown = await other.import(body).catch((why: unknown) => why);
        // The record of another type is kept for those that know it; only the server limits how deep it goes.
        if (error !== undefined && !Array.isArray(error))
          expect(error).toMatchObject({ code: "segment_damaged" });
        expect((await openStore(store).rows("bomb")).map(({ value }) => value)).toEqual(["first"]);
      } finally {
        await server.close();
      }
    },
  );

  it.each(Object.entries(lines))("with %s in a store is a gap at most", async (_, line) => {
    const store = memoryStore();
    const bytes = new TextEncoder().encode(line);
    const segment = {
      v: 1,
      run: "bomb",
      writer: writerOf(0),
      seq: 1,
      clock: 2,
      crc: line.slice(-10, -2),
      bytes,
    };
    expect(() => readRecords(segment)).not.toThrow(RangeError);
    await store.append([first]);
    if (bytes.length <= maxSegmentBytes) await store.append([segment]);
    expect((await openStore(store).rows("bomb")).map(({ value }) => value)).toEqual(["first"]);
    JSON.stringify(await openStore(store).runLog("bomb"));
  });

  it("a file that is one endless line, deep, packed or empty is refused by `runlog import`", async () => {
    const place = folder.path("imported");
    const files: Record<string, Buffer | string> = {
      "one line of 100 MB": Buffer.alloc(100_000_000, "x"),
      "a line of 3 MB of levels": deepText(1_500_000),
      "a packed file": gzipSync(`${textOf(first)}\n`),
      "a packed bomb": gzipSync(Buffer.alloc(100_000_000)),
      "nothing but line ends": "\n".repeat(10_000_000),
      ...lines,
    };
    const hurtful = Object.entries(files).filter(
      ([name]) => name !== "100,000 levels in a record of another type",
    );
    for (const [at, [name, body]] of hurtful.entries()) {
      const path = folder.path(`file-${at}`);
      writeFileSync(path, body);
      const { code, stderr } = await cli(["import", path, "--store", place]);
      expect(`${code} ${stderr}`, name).toMatch(
        name === "nothing but line ends" ? /^0 .*holds no segment/ : /^1 runlog: line 1[: ]/,
      );
    }
    expect((await cli(["runs", "--store", place])).stdout).toBe("");
  });

  it("a stream without line ends is read no further than a segment goes", async () => {
    let given = 0;
    const endless = Readable.from(
      (function* () {
        for (;;) {
          given += 65_536;
          yield Buffer.alloc(65_536, "x");
        }
      })(),
    );
    await expect(listOf(byteLines(endless))).rejects.toThrow("line 1 is over 4 MiB");
    expect(given).toBeLessThan(3 * maxSegmentBytes);
  });
});

describe("an answer", () => {
  it.each([
    ["100,000 levels", deepText(100_000)],
    ["100,000 levels in its list", `{"runs":${deepText(100_000)}}`],
    [
      "100,000 levels in a parameter",
      `{"runs":[{"run":"a","parameters":{"a":{"json":${deepText(100_000)}}}}]}`,
    ],
    [
      "a million escaped keys",
      `{"next":{${Array.from({ length: 1_000_000 }, (_, at) => `"\\n${at}":1`).join()}}}`,
    ],
    [
      "a million writers",
      `{"next":{${Array.from({ length: 1_000_000 }, (_, at) => `"${at.toString(16).padStart(12, "0")}":"x"`).join()}}}`,
    ],
  ])("of %s is an error in words", async (_, body) => {
    const server = await scriptedServer((_, response) =>
      response.writeHead(200, { "content-type": "application/json" }).end(body),
    );
    const store = runLogStore(server.url);
    try {
      for (const asked of [
        store.position("a"),
        listOf(store.runs()),
        listOf(store.segments("a")),
        store.append([segmentOf({ run: "a", seq: 0 })]),
      ])
        await expect(asked).rejects.toMatchObject({ code: "unreachable" });
    } finally {
      await server.stop();
    }
  });

  it("of JSON text made to be slow is read at its length's pace", () => {
    expect(() => parseJson(`{"\\n":"${'\\"'.repeat(2_000_000)}`)).toThrow(SyntaxError);
    expect(Object.keys(parseJson(`{"\\n":"${"\ue000".repeat(2_000_000)}"}`) as object)).toEqual(["\n"]);
  });
});
