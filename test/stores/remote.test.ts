import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Segment } from "../../src/model/segment-line.ts";
import { encodeValue } from "../../src/model/value.ts";
import { serve } from "../../src/server/serve.ts";
import { filesystemStore } from "../../src/stores/filesystem/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { runLogStore } from "../../src/stores/remote.ts";
import type { Store } from "../../src/stores/store.ts";
import { type Made, storeContract } from "../contract/store.ts";
import { first, losses, segment, uid } from "../server/segments.ts";
import { type Flawed, flawedServer } from "./flawed-server.ts";

storeContract("a remote store on memory", () => behind(memoryStore()), "remote");
storeContract(
  "a remote store on the filesystem",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "runlog-remote-"));
    const made = await behind(filesystemStore(folder));
    return {
      ...made,
      async cleanup() {
        await made.cleanup();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
  "remote",
);

/** A real server on `store`, and its other side. */
async function behind(store: Store): Promise<Made> {
  const serving = await serve({ store, port: 0 });
  return {
    store: runLogStore(serving.url),
    reopen: async () => runLogStore(serving.url),
    async cleanup() {
      await serving.close();
      await store.close();
    },
  };
}

let there: Flawed;
beforeEach(async () => {
  there = await flawedServer(memoryStore());
});
afterEach(() => there.stop());

async function listed<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function crcs(store: Store): Promise<string[]> {
  return (await listed(store.segments("demo"))).map(({ crc }) => crc);
}

function problem(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status });
}

describe("the store", () => {
  it("reads segments in pages larger than one", async () => {
    const big = (seq: number): Segment =>
      segment(
        { seq },
        { type: "value", task: "main", key: "k", step: seq, time: 1, json: "x".repeat(3_000_000) },
      );
    await there.store.append([first(), big(1), big(2), big(3), big(4)]);
    expect(await crcs(runLogStore(there.url))).toEqual(await crcs(there.store));
    expect(there.asked.filter(({ path }) => path.endsWith("/segments"))).toHaveLength(2);
  });

  it("gives summaries as they are there, rich parameters and odd numbers too", async () => {
    const values = {
      lr: Number.NaN,
      when: new Date(5),
      big: 7n,
      deep: { set: new Set([1]) },
      none: undefined,
      text: "NaN",
    };
    const parameters = Object.fromEntries(
      Object.entries(values).map(([name, value]) => {
        const { json, meta } = encodeValue(value);
        return [name, { json: JSON.parse(json), ...(meta !== undefined && { meta: JSON.parse(meta) }) }];
      }),
    );
    const odd = {
      type: "metrics",
      task: "main",
      keys: ["a", "b"],
      key: [0, 1],
      step: [1, 1],
      time: [5, 0],
      value: ["-0", "Infinity"],
    };
    await there.store.append([
      segment({ seq: 0 }, { type: "run", time: 1, uid, store: "s", parameters }, odd),
    ]);
    const [mine] = await listed(runLogStore(there.url).runs());
    const [theirs] = await listed(there.store.runs());
    expect(mine).toEqual(theirs);
    expect(mine?.parameters).toEqual(values);
    const found = await listed(runLogStore(there.url).runs({ where: { "parameters.when": new Date(5) } }));
    expect(found).toHaveLength(1);
    expect(await listed(runLogStore(there.url).runs({ where: { "parameters.when": new Date(6) } }))).toEqual(
      [],
    );
  });

  it("lists more runs than a page holds, and no more than asked", async () => {
    for (let at = 0; at < 230; at++) await there.store.append([first({ run: `run-${at}` })]);
    const names = async (limit?: number): Promise<string[]> =>
      (await listed(runLogStore(there.url).runs(limit === undefined ? {} : { limit }))).map(({ run }) => run);
    expect(new Set(await names()).size).toBe(230);
    expect(await names(201)).toHaveLength(201);
    expect(await names(0)).toEqual([]);
  });

  it("says which server fails, and refuses what is no store", async () => {
    const remote = runLogStore(there.url);
    there.flaw = async () => new Response("[]");
    await expect(remote.position("demo")).rejects.toMatchObject({
      code: "unreachable",
      message: expect.stringContaining(there.url),
    });
    await expect(listed(remote.runs())).rejects.toMatchObject({ code: "unreachable" });
    await expect(remote.append([first()])).rejects.toMatchObject({ code: "unreachable" });
    there.flaw = async () => problem(500, {});
    await expect(remote.delete("demo")).rejects.toMatchObject({
      code: "unreachable",
      message: expect.stringContaining("500"),
    });
    there.flaw = async ({ path }, pass) =>
      path.includes("/writers/")
        ? new Response(`${new TextDecoder().decode(losses({ seq: 1 }).bytes)}\n`, {
            headers: { "content-type": "application/x-ndjson" },
          })
        : pass();
    await there.store.append([first()]);
    await expect(listed(remote.segments("demo"))).rejects.toMatchObject({
      code: "unreachable",
      message: expect.stringContaining("segment 1"),
    });
  });

  it.each(["", "localhost:4000", "ftp://x", "file:///tmp", "http://", "sqlite:///mlflow.db"])(
    "with the URL %j is a problem, never a throw",
    async (url) => {
      const remote = runLogStore(url);
      expect(remote.problem).toMatchObject({ code: "invalid_url" });
      await expect(remote.position("demo")).rejects.toMatchObject({ code: "unreachable" });
    },
  );

  it("keeps its URL plain and its secrets to itself", async () => {
    const remote = runLogStore(`${there.url.replace("//", "//me:p%40ss@")}/?a=b#c`, { token: "hunter2" });
    expect(remote.url).toBe(there.url);
    expect(runLogStore("https://x.test/base/").url).toBe("https://x.test/base");
    expect(inspect(remote) + JSON.stringify(remote)).not.toMatch(/hunter2|p@ss|p%40ss/);
    expect(runLogStore("ftp://me:hunter2@x").problem?.message).not.toContain("hunter2");
    await remote.position("demo");
    expect(there.asked[0]?.authorization).toBe(`Basic ${btoa("me:p@ss")}`);
  });

  it("tells of changes by asking, and outlives a server that is away", async () => {
    const stop = new AbortController();
    const changes = runLogStore(there.url).watch("demo", stop.signal)[Symbol.asyncIterator]();
    expect((await changes.next()).done).toBe(false);
    const second = changes.next();
    await new Promise<void>((resolve) => {
      there.flaw = async () => {
        resolve();
        return "break";
      };
    });
    await there.store.append([first()]);
    there.flaw = undefined;
    expect((await second).done).toBe(false);
    const third = changes.next();
    stop.abort();
    expect((await third).done).toBe(true);
  });
});
