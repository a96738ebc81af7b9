import type { ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { getRequestListener } from "@hono/node-server";
import { memoryStore, openStore, runLogStore, startRun } from "runlog";
import { describe, expect, it } from "vitest";
import { createRunLogServer } from "../../src/server/app.ts";
import { type Behaviour, hostileServer } from "./hostile-server.ts";

const json = { "content-type": "application/json" };
const says =
  (status: number, body: string | Buffer = "", headers: Record<string, string> = json): Behaviour =>
  (response, request) => {
    request.resume();
    response.writeHead(status, headers).end(body);
  };
const next = (value: unknown): Behaviour => says(200, JSON.stringify({ next: value }));
const endless = (response: ServerResponse, chunk: Buffer): void => {
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
    if (!response.destroyed) response.once("drain", more);
  };
  more();
};
const bomb = gzipSync(Buffer.alloc(200 * 1_048_576, " "));
const later = new Date(Date.now() + 1e9).toUTCString();

const behaviours: Readonly<Record<string, Behaviour>> = {
  "reset before the body": (response) => response.socket?.destroy(),
  "reset after the body": (response, request) =>
    request.resume().once("end", () => response.socket?.destroy()),
  "reset within the answer": (response) => {
    response.writeHead(200, { "content-length": "100" }).write("{");
    setImmediate(() => response.socket?.destroy());
  },
  "reply lost after the commit": (response, request, store) => {
    const { socket } = response;
    response.write = () => !socket?.destroy();
    response.end = () => {
      socket?.destroy();
      return response;
    };
    return getRequestListener(createRunLogServer({ store }).fetch, { overrideGlobalObjects: false })(
      request,
      response,
    );
  },
  "200 HTML": says(200, "<html>log in", { "content-type": "text/html" }),
  "200 half JSON": says(200, '{"next":{'),
  "200 nothing": says(200),
  "204": (response) => response.writeHead(204).end(),
  "next missing": says(200, "{}"),
  "next null": next(null),
  "next a list": next([1]),
  "next of another writer": next({ "0123456789ab": 7 }),
  "next negative": next({ "0123456789ab": -1 }),
  "next huge": next({ "0123456789ab": 1e300 }),
  "next a string": next({ "0123456789ab": "7" }),
  "next for __proto__": says(200, '{"next":{"__proto__":{"polluted":1}}}'),
  "duplicate keys": says(200, '{"next":{},"next":{"0123456789ab":1},"next":1}'),
  "100 MB of JSON": (response) => {
    response.writeHead(200, json);
    endless(response, Buffer.alloc(1_048_576, " "));
  },
  "slow loris": (response) => {
    response.writeHead(200, json);
    const timer = setInterval(() => response.write(" "), 50);
    response.once("close", () => clearInterval(timer));
  },
  "endless headers": (response) => {
    response.socket?.write("HTTP/1.1 200 OK\r\n");
    if (response.socket)
      endless(response.socket as unknown as ServerResponse, Buffer.from("x: y\r\n".repeat(9_999)));
  },
  "never answers": () => undefined,
  "only 1xx": (response) => response.writeProcessing(),
  "gzip bomb": says(200, bomb, { ...json, "content-encoding": "gzip" }),
  "gzip that is none": says(200, "{}", { ...json, "content-encoding": "gzip" }),
  "content-length too long": says(200, "{}", { ...json, "content-length": "4000" }),
  "wrong charset": says(200, Buffer.from([0xff, 0xfe, 0x7b, 0]), {
    "content-type": "application/json; charset=x",
  }),
  "byte order mark": says(200, "\ufeff{}"),
  "302 without location": says(302),
  "redirect loop": says(307, "", { location: "/v1" }),
  "401": says(401),
  "407": says(407),
  "408": says(408),
  "409 nonsense": says(409, '{"code":"segment_gap","next":{"0123456789ab":3}}'),
  "409 next huge": says(409, '{"code":"segment_gap","next":{"0123456789ab":1e308}}'),
  "418": says(418),
  "425": says(425),
  "429 for 1e9 s": says(429, "", { "retry-after": "1000000000" }),
  "429 negative": says(429, "", { "retry-after": "-5" }),
  "503 until 11 days": says(503, "", { "retry-after": later }),
  "503 until the past": says(503, "", { "retry-after": "Thu, 01 Jan 1970 00:00:00 GMT" }),
  "500 HTML": says(500, "<html>", { "content-type": "text/html" }),
  "keep-alive closed at once": (response) => {
    response.writeHead(503, { connection: "keep-alive" }).end("x", () => response.socket?.destroy());
  },
};
/** These leave the client waiting for a time limit that no test waits for. */
const silent = ["slow loris", "never answers", "only 1xx", "content-length too long"];

describe("a hostile server", () => {
  it.concurrent.each(Object.keys(behaviours))("that does '%s' loses and doubles nothing", async (name) => {
    const store = memoryStore();
    const server = await hostileServer(store, behaviours[name] as Behaviour);
    try {
      const run = startRun({ store: memoryStore(), syncTo: [runLogStore(server.url)], quiet: true });
      for (let step = 0; step < 500; step++) run.track({ loss: step }, { step });
      await run.sync({ timeout: silent.includes(name) ? 4_000 : 15_000 });
      const before = run.report().destinations[server.url];
      expect(server.asked).toBeGreaterThan(0);
      expect(server.asked).toBeLessThanOrEqual(12);
      if (!silent.includes(name)) {
        expect(before?.problem?.code).toMatch(/^[a-z_]+$/);
        expect(before?.problem?.action).toMatch(/\w{3,}/);
      }
      server.turnGood();
      const report = await run.finish("SUCCESS", { timeout: 10_000 });
      expect(report.destinations[server.url]).toMatchObject({
        state: "done",
        delivered: 500,
        pending: 0,
        setAside: 0,
      });
      const steps = Array.from({ length: 500 }, (_, step) => step);
      expect(Array.from((await openStore(store).series(run.id, "loss")).value)).toEqual(steps);
      expect({}).not.toHaveProperty("polluted");
    } finally {
      await server.stop();
    }
  });
});
