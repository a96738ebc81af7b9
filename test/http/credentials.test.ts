import { describe, expect, it } from "vitest";
import { always, callerOf, get, serving } from "./calling.ts";

describe("credentials", () => {
  it("go as user name and password in UTF-8, which beat a token", async () => {
    const server = await always(200, "{}");
    await get(server, { username: "jürgen", password: "pässwört", token: "t" });
    const [scheme, pair] = String(server.got[0]?.headers["authorization"]).split(" ");
    expect([scheme, Buffer.from(pair ?? "", "base64").toString("utf8")]).toEqual([
      "Basic",
      "jürgen:pässwört",
    ]);
  });

  it("go as a bearer token, cut of a file's line end", async () => {
    const server = await always(200, "{}");
    await get(server, { token: () => Promise.resolve("abc\n"), username: "", password: "" });
    expect(server.got[0]?.headers["authorization"]).toBe("Bearer abc");
  });

  it("are asked for once, and once more after a 401", async () => {
    const server = await serving((got, response) => {
      response.writeHead(got.headers["authorization"] === "Bearer token-2" ? 200 : 401).end("{}");
    });
    let asked = 0;
    const call = callerOf(server.url, { token: () => `token-${++asked}` });
    expect((await call({ method: "GET", path: "/" })).class).toBe("ok");
    expect((await call({ method: "GET", path: "/" })).class).toBe("ok");
    expect([asked, server.got.length]).toEqual([2, 3]);
  });

  it("are not sent twice when they cannot have changed", async () => {
    const server = await always(401, "{}");
    const answer = await get(server, { token: "fixed" });
    expect(answer).toMatchObject({ class: "pause", status: 401, problem: { code: "unauthorized" } });
    expect(server.got).toHaveLength(1);
  });

  it("that cannot be had are a problem without their text", async () => {
    const server = await always(200, "{}");
    const refuse = (): never => {
      throw new TypeError("hunter2");
    };
    for (const token of [refuse, "hunter2\r\nhost: x", (() => 7) as unknown as () => string]) {
      const answer = await get(server, { token });
      expect(answer).toMatchObject({ class: "retry", problem: { code: "credentials" } });
      expect(JSON.stringify(answer)).not.toContain("hunter2");
    }
    expect(server.got).toHaveLength(0);
  });

  it("never show in a problem, not even when the server repeats them", async () => {
    const server = await serving((got, response) => {
      response.writeHead(400).end(JSON.stringify({ message: `bad ${got.headers["authorization"]} hunter2` }));
    });
    for (const credentials of [{ token: "hunter2" }, { username: "me", password: "hunter2" }]) {
      const { problem } = await get(server, credentials);
      expect(problem?.message).toContain("answered 400: bad");
      expect(problem?.message).not.toMatch(/hunter2|secret=1|bWU6/);
    }
  });
});
