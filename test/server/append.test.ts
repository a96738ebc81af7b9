import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { encodeSegment, placeholder } from "../../src/model/segment-line.ts";
import { createRunLogServer } from "../../src/server/app.ts";
import { type Serving, serve } from "../../src/server/serve.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import type { Store } from "../../src/stores/store.ts";
import { first, lines, losses, writer } from "./segments.ts";

const badColumns =
  '{"type":"metrics","task":"main","keys":["a"],"key":[1],"step":[1],"time":[1],"value":[1]}';
let inner: Store;
let serving: Serving;
/** One server for all tests, a new store for each. */
const store: Store = new Proxy({} as Store, { get: (_, name) => inner[name as keyof Store] });

beforeAll(async () => {
  serving = await serve({ store, port: 0 });
});
beforeEach(() => {
  inner = memoryStore();
});
afterAll(() => serving.close());

interface Reply {
  readonly status: number;
  readonly type: string | null;
  readonly json: Readonly<Record<string, unknown>>;
}

async function post(
  body: string | Uint8Array,
  headers: Record<string, string> = {},
  run = "demo",
): Promise<Reply> {
  const response = await fetch(`${serving.url}/v1/runs/${run}/segments`, {
    method: "POST",
    body: body as string | Uint8Array<ArrayBuffer>,
    headers: { "content-type": "application/x-ndjson", ...headers },
  });
  const json = (await response.json()) as Record<string, unknown>;
  return { status: response.status, type: response.headers.get("content-type"), json };
}

/** It is a problem document and says what it should. */
function expectProblem(reply: Reply, status: number, code: string): void {
  expect(reply.json).toMatchObject({ status, code, type: `urn:runlog:problem:${code}` });
  expect(reply).toMatchObject({ status, type: "application/problem+json" });
  expect(reply.json["title"]).toBeTypeOf("string");
  expect(reply.json["detail"]).toBeTypeOf("string");
}

async function stored(): Promise<string[]> {
  const found: string[] = [];
  for await (const { writer: by, seq } of inner.segments("demo")) found.push(`${by}:${seq}`);
  return found;
}

describe("appending", () => {
  it("keeps the lines and tells what comes next, again and again", async () => {
    const body = lines(first(), losses({ seq: 1 }));
    for (let time = 0; time < 2; time++) {
      expect(await post(body)).toMatchObject({ status: 200, json: { next: { [writer]: 2 } } });
    }
    expect(await post(lines(losses({ seq: 2 })).trimEnd())).toMatchObject({
      json: { next: { [writer]: 3 } },
    });
    let text = "";
    for await (const { bytes } of inner.segments("demo")) text += `${new TextDecoder().decode(bytes)}\n`;
    expect(text).toBe(lines(first(), losses({ seq: 1 }), losses({ seq: 2 })));
  });

  it("takes gzip", async () => {
    expect(await post(gzipSync(lines(first())), { "content-encoding": "gzip" })).toMatchObject({
      status: 200,
    });
    expect(await stored()).toEqual([`${writer}:0`]);
  });

  it("keeps many writers apart that send at once", async () => {
    const writers = Array.from({ length: 20 }, (_, at) => String(at).padStart(12, "0"));
    const replies = await Promise.all(
      writers.map((by) => post(lines(first({ writer: by }), losses({ writer: by, seq: 1 })))),
    );
    expect(replies.map(({ status }) => status)).toEqual(writers.map(() => 200));
    expect(await stored()).toHaveLength(40);
  });

  it("of one run is in turn, though the store would let them pass each other", async () => {
    let running = 0;
    let most = 0;
    const slow: Store = {
      ...inner,
      async append(segments) {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        await inner.append(segments);
        running--;
      },
    };
    const app = createRunLogServer({ store: slow });
    const send = (by: string): Promise<Response> =>
      app.fetch(
        new Request("http://localhost/v1/runs/demo/segments", {
          method: "POST",
          body: lines(first({ writer: by })),
          headers: { "content-type": "application/x-ndjson" },
        }),
      );
    const replies = await Promise.all(["1", "2", "3"].map((by) => send(by.repeat(12))));
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(most).toBe(1);
  });
});

describe("the first bad line", () => {
  it("ends the request; the lines before it stay, and the reply tells how far it came", async () => {
    const broken = lines(losses({ seq: 1 })).replace("main", "niam");
    const reply = await post(lines(first()) + broken + lines(losses({ seq: 2 })));
    expectProblem(reply, 422, "segment_damaged");
    expect(reply.json).toMatchObject({ line: 2, next: { [writer]: 1 } });
    expect(await stored()).toEqual([`${writer}:0`]);
  });

  it.each([
    ["breaks its schema", '{"type":"value","task":"main","key":"k","step":"7","time":1}', /value.*step/],
    ["has columns that do not fit", badColumns, /columns/],
    ["nests deep", `{"type":"later","deep":${"[".repeat(5_000)}${"]".repeat(5_000)}}`, /deeper than 256/],
  ])("%s", async (_, record, detail) => {
    const bad = encodeSegment({ run: "demo", writer, seq: 1, clock: 1 }, [record]);
    const reply = await post(lines(first(), bad));
    expectProblem(reply, 422, "segment_damaged");
    expect(reply.json["detail"]).toMatch(detail);
    expect(await stored()).toEqual([`${writer}:0`]);
  });

  it("is a gap", async () => {
    const reply = await post(lines(first(), losses({ seq: 2 })));
    expectProblem(reply, 409, "segment_gap");
    expect(reply.json).toMatchObject({ next: { [writer]: 1 }, writer, seq: 2, line: 2 });
    expect(await stored()).toEqual([`${writer}:0`]);
  });

  it("is another segment of a used name", async () => {
    await post(lines(first(), losses({ seq: 1 })));
    const reply = await post(lines(first(), losses({ seq: 1 }, 3)));
    expectProblem(reply, 409, "segment_conflict");
    expect(reply.json).toMatchObject({ next: { [writer]: 2 }, writer, seq: 1 });
  });

  it("is of another run of that id", async () => {
    await post(lines(first()));
    expectProblem(
      await post(lines(first({ writer: "0".repeat(12), uid: "b".repeat(32) }))),
      409,
      "run_id_taken",
    );
    expect(await stored()).toEqual([`${writer}:0`]);
  });

  it("is of a deleted run", async () => {
    await post(lines(first()));
    expect((await fetch(`${serving.url}/v1/runs/demo`, { method: "DELETE" })).status).toBe(204);
    expectProblem(await post(lines(losses({ seq: 1 }))), 410, "run_deleted");
    expect(await stored()).toEqual([]);
  });
});

describe("nothing is stored of", () => {
  const good = lines(first());
  it.each([
    ["an empty body", "", 400, "empty"],
    ["an empty line", `\n${good}`, 422, "segment_damaged"],
    ["text", "hello\n", 422, "segment_damaged"],
    ["JSON that is no segment", '{"v":1}\n', 422, "segment_damaged"],
    ["a wrong crc", good.replace(/[0-9a-f]{8}"\}\n$/, '00000000"}\n'), 422, "segment_damaged"],
    ["a cut line", good.slice(0, -30), 422, "segment_damaged"],
    ["a line of another run", lines(first({ run: "other" })), 422, "other_run"],
    ["a start without its run record", lines(losses({ seq: 0 })), 422, "segment_damaged"],
    ["a line of over 4 MiB", `${"x".repeat(4 * 1_048_576 + 1)}\n`, 422, "segment_damaged"],
    ["a body of over 16 MiB", "x".repeat(16 * 1_048_576 + 1), 413, "body_too_large"],
  ])("%s", async (_, body, status, code) => {
    expectProblem(await post(body), status, code);
    expect(await stored()).toEqual([]);
  });

  it("a body of another type or encoding", async () => {
    expectProblem(await post(good, { "content-type": "text/plain" }), 415, "unsupported_type");
    expectProblem(await post(good, { "content-encoding": "br" }), 415, "unsupported_type");
    expect(await stored()).toEqual([]);
  });

  it("broken gzip, a cut one and a bomb", async () => {
    const gzip = { "content-encoding": "gzip" };
    expectProblem(await post(good, gzip), 400, "bad_body");
    const packed = gzipSync(lines(first(), losses({ seq: 1 }, 500)));
    expectProblem(await post(packed.subarray(0, packed.length - 20), gzip), 400, "bad_body");
    expectProblem(await post(gzipSync(Buffer.alloc(200 * 1_048_576)), gzip), 413, "body_too_large");
    expect(await stored()).toEqual([]);
  });

  it.each(["..%2f..%2fx", "a%2fb", "a%00b", "CON", "x.", "a".repeat(129), "%zz"])(
    "the run id %s",
    async (run) => {
      expectProblem(await post(good, {}, run), 400, "invalid");
      expect(await stored()).toEqual([]);
    },
  );
});

it("a placeholder gives way to the true segment, and never the other way", async () => {
  await post(lines(first()));
  const stand = placeholder(losses({ seq: 1 }), "damaged", 2);
  expect(await post(lines(stand))).toMatchObject({ status: 200 });
  expect(await post(lines(losses({ seq: 1 })))).toMatchObject({ status: 200 });
  expect(await post(lines(stand))).toMatchObject({ status: 200 });
  for await (const { crc, seq } of inner.segments("demo"))
    if (seq === 1) expect(crc).toBe(losses({ seq: 1 }).crc);
});
