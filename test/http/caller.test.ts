import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { always, callerOf, get, serving } from "./calling.ts";

/** Twice what any answer may hold. */
const bomb = gzipSync(Buffer.alloc(64 * 1_048_576, " "), { level: 1 });

it("gives keys with escapes their names, whatever came before", async () => {
  const keys = ["\\", "\n", '"', "\t"];
  const server = await serving(({ path }, response) => {
    const key = keys[Number(path.slice(1))] as string;
    response.writeHead(200).end(JSON.stringify({ "": 0, [key]: 1 }));
  });
  for (const [at, key] of keys.entries()) {
    const { json } = await callerOf(server.url)({ method: "GET", path: `/${at}` });
    expect(Object.keys(json as object)).toEqual(["", key]);
  }
});

describe("a request", () => {
  it("has a length, a type and the very bytes", async () => {
    const server = await always(200, "{}");
    const call = callerOf(server.url);
    await call({ method: "POST", path: "/a?b=c", body: "hällo" });
    await call({
      method: "POST",
      path: "/a",
      body: new TextEncoder().encode("{}\n"),
      type: "application/x-ndjson",
    });
    expect(server.got.map(({ method, path, body }) => [method, path, body])).toEqual([
      ["POST", "/a?b=c", "hällo"],
      ["POST", "/a", "{}\n"],
    ]);
    expect(server.got.map(({ headers }) => [headers["content-type"], headers["content-length"]])).toEqual([
      ["application/json", "6"],
      ["application/x-ndjson", "3"],
    ]);
    expect(server.got[0]?.headers["transfer-encoding"]).toBeUndefined();
  });

  it("is sent once, whatever the answer", async () => {
    for (const status of [408, 429, 500, 503]) {
      const server = await always(status);
      expect((await get(server)).class).toBe("retry");
      expect(server.got).toHaveLength(1);
    }
    const breaks = await serving((_, response) => response.socket?.destroy());
    expect((await get(breaks)).class).toBe("retry");
    expect(breaks.got).toHaveLength(1);
  });
});

describe("an answer", () => {
  it("that is a redirect is not followed, and its place gets nothing", async () => {
    const other = await always(200, "{}");
    for (const status of [301, 302, 307, 308]) {
      const server = await always(status, "", { location: `${other.url}/login?next=x` });
      const answer = await get(server, { token: "hunter2" });
      expect(answer).toMatchObject({ class: "pause", problem: { code: "redirected" } });
      expect(answer.problem?.message).toContain(`redirected to ${other.url}, which`);
    }
    expect(other.got).toHaveLength(0);
  });

  it.each([
    ["an HTML page", "<!doctype html><title>Log in</title>"],
    ["text", "OK, whatever"],
    ["broken JSON", '{"next":'],
  ])("of 200 with %s comes from a wrong server", async (_, body) => {
    const answer = await get(await always(200, body));
    expect(answer).toMatchObject({ class: "retry", status: 200, problem: { code: "wrong_server" } });
    expect(answer.problem?.action).toMatch(/check that http.* is a run-log store/);
  });

  it("of 200 with JSON or with nothing is the destination's to judge", async () => {
    expect(await get(await always(200, "[1]"))).toMatchObject({ class: "ok", json: [1] });
    expect(await get(await always(204))).toEqual({ class: "ok", status: 204, text: "" });
  });

  it("of 200 is read to its end, also past what is kept of an error's text", async () => {
    const list = Array.from({ length: 20_000 }, (_, at) => at);
    expect(await get(await always(200, JSON.stringify(list)))).toMatchObject({ class: "ok", json: list });
  });

  it("of another type comes as bytes when it was asked for, and only then", async () => {
    const accept = "application/x-ndjson";
    const lines = await always(200, "{}\n{}\n", { "content-type": accept });
    const answer = await callerOf(lines.url)({ method: "GET", path: "/", accept });
    expect(new TextDecoder().decode(answer.bytes)).toBe("{}\n{}\n");
    const page = await always(200, "<p>", { "content-type": "text/html" });
    expect(await callerOf(page.url)({ method: "GET", path: "/", accept })).toMatchObject({
      class: "retry",
      problem: { code: "wrong_server" },
    });
  });

  it.each([
    [403, "pause", "forbidden"],
    [404, "missing", "not_found"],
    [409, "resync", "conflict"],
    [410, "gone", "gone"],
    [413, "halve", "too_large"],
    [422, "refused", "refused"],
    [429, "retry", "too_many_requests"],
    [500, "retry", "server_error"],
  ])("of %i is %s, with the server's words", async (status, kind, code) => {
    const answer = await get(await always(status, '{"detail":"no,\\nbecause","code":"x"}'));
    expect(answer).toMatchObject({ class: kind, status, json: { code: "x" }, problem: { code } });
    expect(answer.problem?.message).toMatch(
      new RegExp(`^GET http://127[^?]*/v1/thing answered ${status}: no, because$`),
    );
    expect(answer.problem?.action).not.toBe("");
  });

  it("that is an HTML error says so in few words", async () => {
    const answer = await get(await always(404, `<html>${"x".repeat(5_000)}</html>`));
    expect(answer.problem?.message).toMatch(/answered 404: an HTML page$/);
  });

  it("of an error is read up to 64 KiB, also out of a gzip bomb", async () => {
    const server = await serving((_, response) =>
      response.writeHead(500, { "content-encoding": "gzip" }).end(bomb),
    );
    expect((await get(server)).text.length).toBe(65_536);
  });

  it("of 200 without end is cut, at 64 KiB where it confirms a change, and out of a gzip bomb", async () => {
    const chunk = Buffer.alloc(1_048_576, "1");
    let written = 0;
    const endless = await serving((_, response) => {
      const more = (): void => {
        for (let free = true; free && !response.destroyed; written += chunk.length)
          free = response.write(chunk);
        if (!response.destroyed) response.once("drain", more);
      };
      response.writeHead(200);
      more();
    });
    const packed = await serving((_, response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end(bomb),
    );
    const before = process.memoryUsage().rss;
    for (const { url } of [endless, packed]) {
      for (const [method, reads, limit] of [
        ["GET", undefined, 33_554_432],
        ["POST", undefined, 65_536],
        ["PUT", undefined, 65_536],
        ["POST", true, 33_554_432],
      ] as const) {
        const call = { method, path: "/", ...(method !== "GET" && { body: "{}" }), ...(reads && { reads }) };
        written = 0;
        expect(await callerOf(url)(call)).toMatchObject({
          class: "retry",
          problem: { code: "wrong_server", message: expect.stringContaining(`more than ${limit} bytes`) },
        });
        // What lies in the sockets' buffers comes on top.
        expect(written).toBeLessThan(limit + 16 * 1_048_576);
      }
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1_048_576);
  });

  it("that holds data is whole up to 32 MiB", async () => {
    const text = JSON.stringify("x".repeat(3_000_000));
    const server = await always(200, text);
    const call = callerOf(server.url);
    expect(await call({ method: "GET", path: "/" })).toMatchObject({ class: "ok", json: JSON.parse(text) });
    expect((await call({ method: "POST", path: "/", body: "{}", reads: true })).class).toBe("ok");
    expect((await call({ method: "POST", path: "/", body: "{}" })).class).toBe("retry");
  });

  it("carries Retry-After", async () => {
    expect(await get(await always(503, "", { "retry-after": "7" }))).toMatchObject({ retryAfterMs: 7_000 });
    expect(await get(await always(503, "", { "retry-after": "NaN" }))).not.toHaveProperty("retryAfterMs");
  });
});

describe("no answer", () => {
  it("in time is a timeout, before the head and within the body", async () => {
    for (const head of [false, true]) {
      const server = await serving((_, response) => {
        if (head) response.writeHead(200).write('{"a":');
      });
      const answer = await callerOf(server.url)({ method: "GET", path: "/", timeoutMs: 50 });
      expect(answer).toMatchObject({ class: "retry", problem: { code: "timeout" } });
      expect(answer).not.toHaveProperty("status");
    }
  });

  it("from a port where nobody is, or a connection that breaks, is unreachable", async () => {
    const gone = await always(200, "{}");
    await gone.stop();
    expect((await get(gone)).problem).toMatchObject({
      code: "unreachable",
      message: expect.stringContaining("ECONNREFUSED"),
    });
    const breaks = await serving((_, response) => response.socket?.destroy());
    expect(await get(breaks)).toMatchObject({ class: "retry", problem: { code: "unreachable" } });
    const half = await serving((_, response) => {
      response.writeHead(200, { "content-length": "100" }).write("{");
      setImmediate(() => response.socket?.destroy());
    });
    expect(await get(half)).toMatchObject({ class: "retry", problem: { code: "unreachable" } });
  });

  it("because the caller stopped says so", async () => {
    const server = await serving(() => {});
    const stop = new AbortController();
    const answer = callerOf(server.url)({ method: "GET", path: "/" }, stop.signal);
    stop.abort();
    expect(await answer).toMatchObject({ class: "retry", problem: { code: "stopped" } });
    expect(await callerOf(server.url)({ method: "GET", path: "/" }, stop.signal)).toMatchObject({
      problem: { code: "stopped" },
    });
  });
});
