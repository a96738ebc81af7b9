import { type Context, Hono } from "hono";
import { runIdRule } from "../model/run-id.ts";
import { inTurn } from "../stores/in-turn.ts";
import type { Store } from "../stores/store.ts";
import { appendLines } from "./append.ts";
import { guard } from "./guard.ts";
import { listRuns } from "./list.ts";
import { openApi } from "./open-api.ts";
import { HttpProblem, problemOf, problemResponse } from "./problem.ts";
import { foldRun, lastOnly, runLogStream, segmentLines, seriesJson } from "./read.ts";
import { receiveBody } from "./receive.ts";

export interface RunLogServerOptions {
  /** Where the runs are kept; any store. The server never closes it. */
  readonly store: Store;
  /** Origins of pages that may read and write, besides those of this machine, as "https://notebooks.example". */
  readonly corsOrigins?: readonly string[];
}

/** A run-log store's HTTP side; `fetch` fits Node adapters, Deno, Bun and workers. */
export interface RunLogServer {
  fetch(request: Request): Promise<Response>;
}

/**
 * Any store behind HTTP. It answers this machine only: Host and origin must be loopback. Every segment is decoded and
 * its records are checked before the store sees it; errors are problem documents (RFC 9457).
 */
export function createRunLogServer({ store, corsOrigins = [] }: RunLogServerOptions): RunLogServer {
  const app = new Hono();
  const turn = inTurn();
  app.use(guard(corsOrigins));

  app.get("/healthz", (context) => context.json({ status: "ok" }));
  app.get("/v1/openapi.json", (context) => context.json(openApi()));
  app.get("/v1/runs", async (context) =>
    context.json(await listRuns(store, new URL(context.req.url).searchParams)),
  );
  app.get("/v1/runs/:id", async (context) => {
    const metrics = context.req.query("metrics");
    if (metrics !== undefined && metrics !== "last") throw invalid("'metrics' can only be 'last'");
    const state = await foldRun(store, runOf(context));
    const log = runLogStream(metrics === "last" ? lastOnly(state) : state);
    return context.body(log, 200, { "content-type": "application/json" });
  });
  app.delete("/v1/runs/:id", async (context) => {
    const run = runOf(context);
    await turn(run, () => store.delete(run));
    return context.body(null, 204);
  });
  app.get("/v1/runs/:id/position", async (context) =>
    context.json({ next: await store.position(runOf(context)) }),
  );
  app.get("/v1/runs/:id/series", async (context) => {
    const run = runOf(context);
    const key = context.req.query("key");
    if (key === undefined) throw invalid("the parameter 'key' is missing: /series?key=loss");
    return context.json(seriesJson(await foldRun(store, run), key, context.req.query("task")));
  });
  app.post("/v1/runs/:id/segments", async (context) => {
    const run = runOf(context);
    const body = await receiveBody(context.req.raw);
    return context.json({ next: await turn(run, () => appendLines(store, run, body)) });
  });
  app.get("/v1/runs/:id/writers/:writer/segments", async (context) => {
    const run = runOf(context);
    const from = { writer: writerOf(context), seq: integer(context, "from") ?? 0 };
    const lines = await segmentLines(store, run, from, integer(context, "bytes") ?? Number.POSITIVE_INFINITY);
    return context.body(lines, 200, { "content-type": "application/x-ndjson" });
  });

  app.notFound((context) => problemResponse(notFound(context.req.path)));
  app.onError((error) => {
    const problem = problemOf(error);
    if (problem.fields.code === "internal") console.error(error);
    return problemResponse(problem);
  });
  return { fetch: async (request) => app.fetch(request) };
}

/** The id in the URL, once it is one: nothing else ever reaches the store. */
function runOf(context: Context): string {
  const run = context.req.param("id") ?? "";
  const rule = runIdRule(run);
  if (rule !== undefined) throw invalid(`the run id ${rule}; found ${JSON.stringify(run.slice(0, 140))}`);
  return run;
}

function writerOf(context: Context): string {
  const writer = context.req.param("writer") ?? "";
  if (/^[0-9a-f]{12}$/.test(writer)) return writer;
  throw invalid(`a writer is 12 lower-case hex digits, found ${JSON.stringify(writer.slice(0, 40))}`);
}

function integer(context: Context, name: string): number | undefined {
  const text = context.req.query(name);
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw invalid(`'${name}' must be an integer from 0, found ${JSON.stringify(text.slice(0, 40))}`);
}

function invalid(detail: string): HttpProblem {
  return new HttpProblem(400, { code: "invalid", detail });
}

function notFound(path: string): HttpProblem {
  const detail = `this run-log store has no ${path.slice(0, 200)} for that method; /v1/openapi.json lists what it has`;
  return new HttpProblem(404, { code: "no_such_path", detail });
}
