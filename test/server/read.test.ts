import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Serving, serve } from "../../src/server/serve.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { first, lines, losses, segment, writer } from "./segments.ts";

const store = memoryStore();
let serving: Serving;

beforeAll(async () => {
  await store.append([
    first({ tag: "digits" }),
    losses({ seq: 1 }, 3),
    segment({ seq: 2 }, { type: "value", task: "main", key: "note", step: 0, time: 3_000, json: { a: [1] } }),
    segment({ seq: 3 }, { type: "finish", status: "SUCCESS", time: 4_000 }),
  ]);
  for (let at = 0; at < 7; at++) {
    const parameters = { lr: { json: at / 100 }, n: { json: "9", meta: { v: 1, values: ["bigint"] } } };
    const record = {
      type: "run",
      time: 10_000 + at,
      uid: String(at).repeat(32),
      store: "here",
      tag: "many",
      parameters,
    };
    await store.append([segment({ run: `run-${at}`, seq: 0 }, record)]);
  }
  serving = await serve({ store, port: 0 });
});
afterAll(() => serving.close());

async function get(
  path: string,
): Promise<{ readonly status: number; readonly json: Record<string, unknown> }> {
  const response = await fetch(serving.url + path);
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

/** The run log's metrics of the task main. */
function metricsOf(json: Record<string, unknown>): unknown {
  const steps = json["steps"] as Record<string, { readonly user_defined_metrics: unknown }>;
  return steps["main"]?.user_defined_metrics;
}

describe("reading", () => {
  it("gives the run log, with and without its series", async () => {
    const whole = await get("/v1/runs/demo");
    expect(whole).toMatchObject({ status: 200, json: { run_id: "demo", status: "SUCCESS", tag: "digits" } });
    expect(metricsOf(whole.json)).toEqual({ loss: { 1000: 1, 1001: 0.5, 1002: 1 / 3 }, note: { a: [1] } });
    expect(metricsOf((await get("/v1/runs/demo?metrics=last")).json)).toEqual({
      loss: 1 / 3,
      note: { a: [1] },
    });
  });

  it("gives a series as columns", async () => {
    expect((await get("/v1/runs/demo/series?key=loss&task=main")).json).toEqual({
      step: [1_000, 1_001, 1_002],
      time: [2_000, 2_001, 2_002],
      value: [1, 0.5, 1 / 3],
    });
    expect((await get("/v1/runs/demo/series?key=note")).json).toMatchObject({ value: [{ a: [1] }] });
  });

  it("gives the position, empty for a run that is not here", async () => {
    expect((await get("/v1/runs/demo/position")).json).toEqual({ next: { [writer]: 4 } });
    expect((await get("/v1/runs/nobody/position")).json).toEqual({ next: {} });
  });

  it("gives a writer's segments as they were sent, from a number on, in pages of bytes", async () => {
    const path = `${serving.url}/v1/runs/demo/writers/${writer}/segments`;
    const response = await fetch(`${path}?from=1`);
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    const text = await response.text();
    expect(text.split("\n").filter(Boolean)).toHaveLength(3);
    expect(text.startsWith(lines(losses({ seq: 1 }, 3)))).toBe(true);
    expect(await (await fetch(`${path}?from=1&bytes=1`)).text()).toBe(lines(losses({ seq: 1 }, 3)));
    expect(await (await fetch(`${path}?from=9`)).text()).toBe("");
  });

  it("lists runs in pages that give each run once", async () => {
    const seen: string[] = [];
    let cursor = "";
    let pages = 0;
    do {
      const { json } = await get(`/v1/runs?tag=many&limit=3${cursor}`);
      for (const { run } of json["runs"] as { run: string }[]) seen.push(run);
      cursor = json["cursor"] === undefined ? "" : `&cursor=${String(json["cursor"])}`;
      pages += 1;
    } while (cursor !== "");
    expect([seen, pages]).toEqual([["run-6", "run-5", "run-4", "run-3", "run-2", "run-1", "run-0"], 3]);
  });

  it("asks by tag, status, condition and order", async () => {
    const where = encodeURIComponent('{"parameters.lr":{"gte":0.04}}');
    const { json } = await get(`/v1/runs?where=${where}&sort=parameters.lr`);
    expect((json["runs"] as { run: string }[]).map(({ run }) => run)).toEqual(["run-4", "run-5", "run-6"]);
    expect((await get("/v1/runs?status=SUCCESS")).json).toMatchObject({
      runs: [{ run: "demo", observations: 4 }],
    });
    expect((await get("/v1/runs?tag=none")).json).toEqual({ runs: [] });
    expect((await get("/v1/runs?tag=many&limit=1")).json).toMatchObject({
      runs: [{ parameters: { n: { json: "9", meta: { values: ["bigint"] } } } }],
    });
  });

  it.each([
    ["/v1/runs/nobody", 404, "not_found"],
    ["/v1/runs/nobody/series?key=loss", 404, "not_found"],
    ["/v1/runs/demo/series?key=nothing", 404, "not_found"],
    ["/v1/runs/demo/series", 400, "invalid"],
    ["/v1/runs/demo?metrics=first", 400, "invalid"],
    ["/v1/runs/demo/writers/xyz/segments", 400, "invalid"],
    [`/v1/runs/demo/writers/${writer}/segments?from=-1`, 400, "invalid"],
    ["/v1/runs?status=DONE", 400, "invalid"],
    ["/v1/runs?limit=many", 400, "invalid"],
    ["/v1/runs?cursor=x", 400, "invalid"],
    ["/v1/runs?where={", 400, "invalid"],
    ["/v1/runs?where=[]", 400, "invalid"],
    [`/v1/runs?where=${encodeURIComponent('{"nonsense":1}')}`, 400, "invalid"],
    ["/v1/runs?sort=nonsense", 400, "invalid"],
    ["/nothing", 404, "no_such_path"],
  ])("%s is a problem", async (path, status, code) => {
    expect(await get(path)).toMatchObject({ status, json: { status, code } });
  });
});

it("describes every path that it has", async () => {
  const { json } = await get("/v1/openapi.json");
  expect(json).toMatchObject({ openapi: "3.1.0" });
  const paths = Object.entries(json["paths"] as Record<string, Record<string, unknown>>);
  for (const [path, methods] of paths) {
    for (const method of Object.keys(methods)) {
      const url = serving.url + path.replace("{id}", "spare").replace("{writer}", writer);
      const response = await fetch(url, { method: method.toUpperCase() });
      const { code } = (await response.json().catch(() => ({}))) as { code?: string };
      expect(code, `${method} ${path}`).not.toBe("no_such_path");
    }
  }
  expect(paths).toHaveLength(7);
});
