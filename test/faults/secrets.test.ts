import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { runLogStore, startRun } from "runlog";
import { mlflow } from "runlog/mlflow";
import { describe, expect, it } from "vitest";
import { cli } from "../cli/cli.ts";
import { type Scripted, scriptedServer } from "../http/scripted-server.ts";
import { temporaryFolder } from "./child.ts";

const secrets = ["tok-5f1d0c", "usr-77ab21", "pwd-90cc13", "fun-41e6aa", "qry-c0ffee"] as const;
const [token, , password, called, query] = secrets;

/** A server that gives every request this answer, and repeats its credentials, as a server may well do. */
function listening(answer: {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}): Promise<Scripted> {
  return scriptedServer(({ headers }, response) => {
    response.writeHead(answer.status, answer.headers).end(`${answer.body ?? ""}${headers["authorization"]}`);
  });
}

function filesUnder(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, "latin1"))
    .join("\n");
}

describe("secrets", () => {
  it.each([301, 302, 303, 307, 308])("a %s to another origin gets no byte of a request", async (status) => {
    const other = await listening({ status: 200, body: "{}" });
    const server = await listening({ status, headers: { location: `${other.url}/v1` } });
    try {
      const syncTo = [
        runLogStore(server.url, { token }),
        mlflow(`${server.url}/m`, { username: "u", password }),
      ];
      const folder = temporaryFolder();
      const run = startRun({ store: folder.path("s"), syncTo, quiet: true });
      run.track({ loss: 1 });
      const report = await run.finish("SUCCESS", { timeout: 5_000 });
      folder.remove();
      expect(JSON.stringify(server.got)).toContain(token);
      expect(Object.values(report.destinations).map(({ problem }) => problem?.code)).toEqual([
        "redirected",
        "redirected",
      ]);
      expect(other.got).toEqual([]);
    } finally {
      await Promise.all([server.stop(), other.stop()]);
    }
  });

  it("that were planted stand in no file, report, error or output", async () => {
    const server = await listening({
      status: 401,
      headers: { "content-type": "text/plain" },
      body: "who is ",
    });
    const folder = temporaryFolder();
    const store = folder.path("store");
    const { host } = new URL(server.url);
    const syncTo = [
      runLogStore(`${server.url}/a`, { token }),
      runLogStore(`http://${secrets[1]}:${password}@${host}/b?key=${query}`),
      mlflow(`${server.url}/c`, { token: () => called }),
      mlflow(`http://${secrets[1]}:${password}@${host}/d?key=${query}#${query}`),
    ];
    try {
      const run = startRun({ store, syncTo, quiet: true });
      run.track({ loss: 1 });
      const report = await run.finish("SUCCESS", { timeout: 5_000 });
      const error = await (syncTo[0] as ReturnType<typeof runLogStore>)
        .position(run.id)
        .catch((why: unknown) => why);
      const env = {
        RUNLOG_SERVER: `http://${secrets[1]}:${password}@${host}/a?key=${query}`,
        RUNLOG_TOKEN: token,
        MLFLOW_TRACKING_URI: `${server.url}/c`,
        MLFLOW_TRACKING_USERNAME: secrets[1],
        MLFLOW_TRACKING_PASSWORD: password,
      };
      const said = [];
      for (const args of [["sync"], ["doctor"], ["show", run.id, "--json"], ["runs", "--json"]])
        said.push(await cli([...args, "--store", store], { env }));
      expect(JSON.stringify(server.got)).toContain(token);
      const seen = [
        inspect(run, { depth: 9, showHidden: true }),
        inspect(report, { depth: 9 }),
        inspect(error, { depth: 9 }),
        JSON.stringify([report, syncTo[0]]),
        inspect(syncTo[0], { depth: 9 }),
        inspect(syncTo.slice(1), { depth: 9 }),
        JSON.stringify(syncTo),
        inspect(said, { depth: 9, maxStringLength: null }),
        filesUnder(store),
      ];
      for (const secret of secrets) {
        const basic = btoa(`${secrets[1]}:${password}`);
        for (const [at, text] of seen.entries()) {
          expect(text.includes(secret), `${secret} in part ${at}`).toBe(false);
          expect(text.includes(basic), `basic in part ${at}`).toBe(false);
        }
      }
    } finally {
      await server.stop();
      folder.remove();
    }
  });
});
