/** MLflow in memory, as far as its SQL store's rules matter to delivery; for tests that need thousands of servers. */
import { type Answer, type Call, classify } from "../../../src/http/answer.ts";

interface Metric {
  readonly key: string;
  readonly value: number | string;
  readonly timestamp: number;
  readonly step: number;
}
interface Pair {
  readonly key: string;
  readonly value: string;
}
interface Batch {
  readonly metrics?: Metric[];
  readonly params?: Pair[];
  readonly tags?: Pair[];
}

export interface FakeServer {
  readonly call: (call: Call) => Promise<Answer>;
  /** Rows of the run's metrics, without doubles as in SQL. */
  readonly rows: Set<string>;
  /** Rows as they came. */
  readonly appended: string[];
  readonly params: Map<string, string>;
  readonly tags: Map<string, string>;
  /** Every change of a tag, in order. */
  readonly tagWrites: [string, string][];
  /** The items of each log-batch that came: each metric, param and tag as text. */
  readonly batches: string[][];
  created: number;
  status: string;
}

/**
 * A server with at most one run. `lose` says whether the reply of a request is lost.
 * @param keeps what it says to keep runs in; only "SqlStore" drops rows that come again
 */
export function fakeServer(lose: (call: Call) => boolean = () => false, keeps = "SqlStore"): FakeServer {
  const server: FakeServer = {
    rows: new Set(),
    appended: [],
    params: new Map(),
    tags: new Map(),
    tagWrites: [],
    batches: [],
    created: 0,
    status: "RUNNING",
    async call(call) {
      const answer = call.path.endsWith("/server-info")
        ? reply(200, keeps === "" ? {} : { store_type: keeps })
        : answerTo(server, call);
      return lose(call) ? { class: "retry", text: "lost" } : answer;
    },
  };
  return server;
}

function answerTo(server: FakeServer, call: Call): Answer {
  const path = call.path.split("?")[0]?.replace(/^.*\/(?:mlflow|mlflow-artifacts)\//, "") ?? "";
  const body = call.body === undefined || call.method === "PUT" ? {} : JSON.parse(String(call.body));
  if (path === "experiments/get-by-name") {
    return reply(200, {
      experiment: { experiment_id: "1", name: "e", lifecycle_stage: "active", creation_time: 1 },
    });
  }
  if (path === "runs/search") return reply(200, server.created === 0 ? {} : { runs: [runOf(server)] });
  if (path === "runs/get") return reply(200, { run: runOf(server) });
  if (path === "metrics/get-history") return history(server, new URLSearchParams(call.path.split("?")[1]));
  if (path === "runs/create") {
    server.created += 1;
    return reply(200, { run: runOf(server) });
  }
  if (path === "runs/log-batch") return logBatch(server, body as Batch);
  if (path === "runs/update") {
    server.status = (body as { status: string }).status;
    return reply(200, { run_info: {} });
  }
  return call.method === "PUT"
    ? reply(200, {})
    : reply(404, { error_code: "ENDPOINT_NOT_FOUND", message: path });
}

function logBatch(server: FakeServer, { metrics = [], params = [], tags = [] }: Batch): Answer {
  server.batches.push([...metrics, ...params, ...tags].map((each) => JSON.stringify(each)));
  const changed = params.find(({ key, value }) => server.params.has(key) && server.params.get(key) !== value);
  if (changed !== undefined) {
    return reply(400, {
      error_code: "INVALID_PARAMETER_VALUE",
      message: "Changing param values is not allowed.",
    });
  }
  for (const { key, value } of params) server.params.set(key, value);
  for (const { key, value, timestamp, step } of metrics) {
    const row = JSON.stringify([key, step, timestamp, value]);
    server.rows.add(row);
    server.appended.push(row);
  }
  for (const { key, value } of tags) {
    server.tags.set(key, value);
    server.tagWrites.push([key, value]);
  }
  return reply(200, {});
}

/** Three rows at a time, the last page without a token; a step of 0 is left out, as protobuf does. */
function history({ appended }: FakeServer, query: URLSearchParams): Answer {
  const rows = appended.map((row) => JSON.parse(row) as [string, number, number, number | string]);
  const metrics = rows
    .filter(([key]) => key === query.get("metric_key"))
    .map(([key, step, timestamp, value]) => ({ key, value, timestamp, ...(step !== 0 && { step }) }));
  const from = Number(query.get("page_token") ?? 0);
  const more = from + 3 < metrics.length;
  return reply(200, {
    ...(metrics.length > 0 && { metrics: metrics.slice(from, from + 3) }),
    ...(more && { next_page_token: String(from + 3) }),
  });
}

function runOf(server: FakeServer): unknown {
  const pairs = (map: Map<string, string>): Pair[] => Array.from(map, ([key, value]) => ({ key, value }));
  const keys = new Set(Array.from(server.rows, (row) => (JSON.parse(row) as [string])[0]));
  return {
    info: {
      run_id: "r1",
      status: server.status,
      lifecycle_stage: "active",
      artifact_uri: "mlflow-artifacts:/1/r1/artifacts",
    },
    data: {
      params: pairs(server.params),
      tags: pairs(server.tags),
      metrics: Array.from(keys, (key) => ({ key })),
    },
  };
}

function reply(status: number, json: unknown): Answer {
  return { class: classify(status), status, json, text: JSON.stringify(json) };
}
