import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Serving, serve } from "../../src/server/serve.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { first, lines } from "./segments.ts";

const store = memoryStore();
let serving: Serving;
beforeAll(async () => {
  serving = await serve({ store, port: 0, corsOrigins: ["https://notebooks.example"] });
});
afterAll(() => serving.close());

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** fetch would not let a test set Host or Origin. */
function ask(method: string, headers: Record<string, string>, body = "", run = "demo"): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const path = `/v1/runs/${run}/segments`;
    const sent = request(
      { host: "127.0.0.1", port: serving.port, method, path, headers, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
        );
      },
    );
    sent.on("error", reject).end(body);
  });
}

function append(headers: Record<string, string>): Promise<Reply> {
  return ask("POST", { "content-type": "application/x-ndjson", ...headers }, lines(first()));
}

describe("the Host", () => {
  it.each([
    "evil.test",
    "127.0.0.1.evil.test",
    "localhost.evil.test:80",
    "192.168.1.7:4000",
    "localhost@evil.test",
    "a b",
  ])("%s is refused and nothing is stored", async (host) => {
    const reply = await append({ host });
    expect([400, 403]).toContain(reply.status);
    expect(JSON.parse(reply.body)).toMatchObject({
      status: reply.status,
      code: expect.stringMatching(/^(host_refused|invalid)$/),
    });
    expect(await store.position("demo")).toEqual({});
  });

  it.each(["localhost", "LOCALHOST:99", "127.0.0.1:4000", "[::1]:4000"])("%s is let in", async (host) => {
    expect((await ask("GET", { host })).status).toBe(404);
  });
});

describe("the origin", () => {
  it.each([
    "https://evil.test",
    "null",
    "http://localhost.evil.test",
    "http://127.0.0.1.evil.test",
    "https://notebooks.example.evil.test",
    "http://notebooks.example",
    "file://localhost",
    "",
  ])("%j is refused before anything is stored", async (origin) => {
    const reply = await append({ origin });
    expect(reply.status).toBe(403);
    expect(JSON.parse(reply.body)).toMatchObject({ code: "origin_refused" });
    expect(reply.headers["access-control-allow-origin"]).toBeUndefined();
    expect(await store.position("demo")).toEqual({});
    const preflight = await ask("OPTIONS", { origin, "access-control-request-method": "POST" });
    expect(preflight.status).toBe(403);
    expect(preflight.headers["access-control-allow-origin"]).toBeUndefined();
  });

  it.each([
    "http://localhost:3000",
    "https://localhost",
    "http://127.0.0.1:1",
    "http://[::1]:8080",
    "https://notebooks.example",
  ])("%s is let in", async (origin) => {
    const run = origin.replace(/\W+/g, "-");
    const headers = { origin, "content-type": "application/x-ndjson" };
    const reply = await ask("POST", headers, lines(first({ run })), run);
    expect(reply).toMatchObject({
      status: 200,
      headers: { "access-control-allow-origin": origin, vary: "Origin" },
    });
    const refused = await ask("POST", headers, "hello", run); // problems too must be readable there
    expect(refused).toMatchObject({ status: 422, headers: { "access-control-allow-origin": origin } });
  });

  it("gets a preflight with what the client sends, and private networks only when asked", async () => {
    const asked = { origin: "http://localhost:3000", "access-control-request-method": "POST" };
    const plain = await ask("OPTIONS", asked);
    expect(plain).toMatchObject({
      status: 204,
      headers: { "access-control-allow-origin": "http://localhost:3000" },
    });
    expect(plain.headers["access-control-allow-headers"]).toMatch(/authorization.*content-type/);
    expect(plain.headers["access-control-allow-methods"]).toMatch(/POST/);
    expect(plain.headers["access-control-allow-private-network"]).toBeUndefined();
    const privately = await ask("OPTIONS", { ...asked, "access-control-request-private-network": "true" });
    expect(privately.headers["access-control-allow-private-network"]).toBe("true");
  });
});

it("binds to this machine only", async () => {
  await expect(serve({ store, port: 0, host: "0.0.0.0" })).rejects.toThrow(
    /must be 127.0.0.1, ::1 or localhost/,
  );
});
