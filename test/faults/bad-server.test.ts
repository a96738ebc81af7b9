import type { ServerResponse } from "node:http";
import { type Destination, memoryStore, openStore, runLogStore, startRun } from "runlog";
import { mlflow } from "runlog/mlflow";
import { serve } from "runlog/server";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cli } from "../cli/cli.ts";
import { freePort } from "../env/process.ts";
import { type Answering, answeringServer } from "./answering-server.ts";
import { temporaryFolder } from "./child.ts";

let folder: ReturnType<typeof temporaryFolder>;
let server: Answering | undefined;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
  folder.remove();
});

const json = { "content-type": "application/json" };
const answers: readonly [
  name: string,
  code: string,
  message: RegExp,
  answer: (response: ServerResponse) => void,
][] = [
  [
    "an HTML page",
    "wrong_server",
    /an HTML page/,
    (to) => to.writeHead(200, { "content-type": "text/html" }).end("<html>hello"),
  ],
  [
    "401",
    "unauthorized",
    /answered 401: who are you/,
    (to) => to.writeHead(401, json).end('{"message":"who are you"}'),
  ],
  ["403", "forbidden", /answered 403/, (to) => to.writeHead(403).end("no")],
  [
    "404",
    "not_found",
    /answered 404/,
    (to) => to.writeHead(404, { "content-type": "text/html" }).end("<html>"),
  ],
  [
    "500",
    "server_error",
    /answered 500: out of order/,
    (to) => to.writeHead(500, json).end('{"message":"out of order"}'),
  ],
  ["200 with nonsense", "", /.+/, (to) => to.writeHead(200, json).end('{"spam":[1,2]}')],
  ["200 with nothing", "wrong_server", /.+/, (to) => to.writeHead(200).end()],
  ["200 with broken JSON", "wrong_server", /not JSON/, (to) => to.writeHead(200, json).end('{"next":{')],
  [
    "a redirect",
    "redirected",
    /redirected to http:\/\/elsewhere.example/,
    (to) => to.writeHead(302, { location: "http://elsewhere.example/" }).end(),
  ],
];

const kinds: readonly [name: string, destination: (url: string) => Destination][] = [
  ["run-log store", runLogStore],
  ["MLflow server", mlflow],
];

describe.each(kinds)("where a %s should stand", (kind, destinationOf) => {
  it.each(answers)(
    "a server that answers %s is reported as %s, and nothing is lost",
    async (_, code, message, answer) => {
      server = await answeringServer(answer);
      const store = folder.path("store");
      const run = startRun({ store, syncTo: [destinationOf(server.url)], quiet: true });
      for (let step = 0; step < 100; step++) run.track({ loss: step }, { step });
      const report = await run.finish("SUCCESS", { timeout: 20_000 });
      expect(report).toMatchObject({ storage: "disk", tracked: 100 });
      const there = report.destinations[server.url];
      expect(there).toMatchObject({ delivered: 0, pending: 100, setAside: 0 });
      expect(["waiting", "paused", "parked"]).toContain(there?.state);
      if (code !== "") expect(there?.problem?.code).toBe(code);
      expect(there?.problem?.message).toMatch(message);
      expect(there?.problem?.action).toMatch(/\w{3,}/);
      expect((await openStore(store).series(run.id, "loss")).value).toHaveLength(100);

      if (kind !== "run-log store") return;
      const { port } = new URL(server.url);
      await server.stop();
      server = undefined;
      const right = memoryStore();
      const serving = await serve({ store: right, port: Number(port) });
      try {
        expect(await cli(["sync", "--store", store])).toMatchObject({ code: 0, stderr: "" });
        expect((await openStore(right).series(run.id, "loss")).value).toHaveLength(100);
      } finally {
        await serving.close();
      }
    },
  );

  it.each([
    ["not a url", /not a url/],
    ["ftp://example.org", /ftp/],
    ["databricks", /databricks/],
  ])("the URL '%s' is a reported problem, never a throw", async (url, message) => {
    const run = startRun({ store: folder.path("store"), syncTo: [destinationOf(url)], quiet: true });
    run.track({ loss: 1 });
    const report = await run.finish();
    const [there] = Object.values(report.destinations);
    expect(there).toMatchObject({ state: "paused", pending: 1 });
    expect(there?.problem?.message).toMatch(message);
    expect(there?.problem?.action).toMatch(/http/);
    expect(report.storage).toBe("disk");
  });

  it("a port where nobody listens is reported", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const run = startRun({ store: folder.path("store"), syncTo: [destinationOf(url)], quiet: true });
    run.track({ loss: 1 });
    const report = await run.finish();
    expect(report.destinations[url]).toMatchObject({
      state: "waiting",
      pending: 1,
      problem: { code: "unreachable" },
    });
    expect(report.destinations[url]?.problem?.message).toMatch(/ECONNREFUSED/);
  });
});
