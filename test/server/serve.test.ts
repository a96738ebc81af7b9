import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { type Serving, serve } from "../../src/server/serve.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { runLogStore } from "../../src/stores/remote.ts";
import { type Started, start } from "../env/process.ts";
import { first, lines, losses } from "./segments.ts";

const program = fileURLToPath(new URL("serving.ts", import.meta.url));
const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serving(store = memoryStore()): Promise<Serving> {
  const server = await serve({ store, port: 0 });
  cleanups.push(() => server.close());
  return server;
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "runlog-serve-"));
  cleanups.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function spawned(path: string): Promise<{ readonly url: string; readonly program: Started }> {
  const started = start({ command: process.execPath, args: [program, path] });
  cleanups.push(() => started.kill());
  let ended = false;
  void started.ended.then(() => {
    ended = true;
  });
  for (;;) {
    const url = /http:\S+/.exec(started.output())?.[0];
    if (url !== undefined) return { url, program: started };
    if (ended) throw new Error(`the server did not start:\n${started.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Sends bytes as they are, and gives all that comes back until the server closes. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let got = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      got += chunk;
    });
    socket.on("close", () => resolve(got)).on("error", reject);
  });
}

describe("the server", () => {
  it("finishes what is in flight when it closes, then is gone", async () => {
    const store = memoryStore();
    let reached = (): void => {};
    const inStore = new Promise<void>((resolve) => {
      reached = resolve;
    });
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const append = async (segments: Parameters<typeof store.append>[0]): Promise<void> => {
      reached();
      await held;
      await store.append(segments);
    };
    const server = await serving({ ...store, append });
    const sent = fetch(`${server.url}/v1/runs/demo/segments`, {
      method: "POST",
      body: lines(first()),
      headers: { "content-type": "application/x-ndjson" },
    });
    await inStore;
    const closed = server.close();
    release();
    expect((await sent).status).toBe(200);
    await closed;
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
    expect(await store.position("demo")).not.toEqual({});
  });

  it("says no to raw paths that climb, and to what is no HTTP", async () => {
    const { port } = await serving();
    for (const path of [
      "/v1/runs/../../../etc/passwd",
      "/v1/runs/%2e%2e/position",
      "/v1/runs//position",
      "//evil.test/v1",
    ]) {
      const got = await raw(port, `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
      expect(got).toMatch(/^HTTP\/1.1 40[04] /);
      expect(got).toContain("application/problem+json");
    }
    expect(await raw(port, "hello\r\n\r\n")).toMatch(/^HTTP\/1.1 400 /);
  });

  it("leaves the globals of its process alone", async () => {
    const before = [globalThis.Request, globalThis.Response];
    const { url } = await serving();
    await fetch(`${url}/healthz`);
    expect([globalThis.Request, globalThis.Response]).toEqual(before);
    expect(globalThis.Request).toBe(before[0]);
  });

  it("tells when its port is taken", async () => {
    const { port } = await serving();
    await expect(serve({ store: memoryStore(), port })).rejects.toThrow(/EADDRINUSE/);
  });
});

describe("killed with SIGKILL and started again", () => {
  it("has everything that it acknowledged, byte for byte, five times over", async () => {
    const path = folder();
    const writers = ["000000000001", "000000000002", "000000000003"];
    const acknowledged = new Map(writers.map((writer) => [writer, 0]));
    for (let round = 1; round <= 5; round++) {
      const server = await spawned(path);
      const remote = runLogStore(server.url);
      expect(
        await remote
          .position("demo")
          .then((next) => writers.filter((by) => (next[by] ?? 0) < (acknowledged.get(by) ?? 0))),
      ).toEqual([]);
      const each = async (writer: string): Promise<void> => {
        let seq = (await remote.position("demo"))[writer] ?? 0;
        for (;;) {
          await remote.append([seq === 0 ? first({ writer }) : losses({ writer, seq })]);
          seq += 1;
          acknowledged.set(writer, seq);
          if (writer === writers[0] && seq >= round * 20) void server.program.kill();
        }
      };
      const ends = await Promise.allSettled(writers.map(each));
      for (const end of ends)
        expect(end).toMatchObject({ status: "rejected", reason: { code: "unreachable" } });
      await server.program.kill();
    }
    const remote = runLogStore((await spawned(path)).url);
    const found = new Map<string, number>();
    for await (const segment of remote.segments("demo")) {
      const { writer, seq } = segment;
      expect(segment.crc).toBe((seq === 0 ? first({ writer }) : losses({ writer, seq })).crc);
      expect(seq).toBe(found.get(writer) ?? 0);
      found.set(writer, seq + 1);
    }
    for (const [writer, next] of acknowledged) expect(found.get(writer)).toBeGreaterThanOrEqual(next);
    expect(acknowledged.get("000000000001")).toBeGreaterThanOrEqual(100);
  });
});
