import type { Answer, Call } from "../../http/answer.ts";
import type { Delivery, Outcome, Problem } from "../../sync/destination.ts";

/** Calls to MLflow's REST API 2.0, and what its answers mean. */

/** Ends a delivery with an outcome that the courier acts on. */
export class Stop extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Exclude<Outcome, { state: "done" }>) {
    super(outcome.problem.message);
    this.outcome = outcome;
  }
}

/** The run that the ledger names is not there, or takes nothing more. */
export class RunLost extends Error {
  readonly how: "missing" | "deleted";

  constructor(how: "missing" | "deleted", message: string) {
    super(message);
    this.how = how;
  }
}

export type Json = Readonly<Record<string, unknown>>;

/** `refused`: a 4xx in MLflow's own words, so about what was sent. `large`: 413. */
export type Reply =
  | { readonly kind: "ok"; readonly json: Json }
  | { readonly kind: "refused" | "missing" | "large"; readonly code: string; readonly message: string };

const api = "/api/2.0/mlflow";
const longestReason = 1_000;

/** @throws {Stop} for every answer that a delivery cannot solve. */
export async function post(delivery: Delivery, path: string, body: unknown): Promise<Reply> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const reads = path === "runs/search";
  return replyOf(delivery, path, { method: "POST", path: `${api}/${path}`, body: text, reads });
}

/** @throws {Stop} as `post`. */
export async function get(
  delivery: Delivery,
  path: string,
  query: Readonly<Record<string, string>>,
): Promise<Reply> {
  const search = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return replyOf(delivery, path, { method: "GET", path: `${api}/${path}?${search.join("&")}` });
}

/** The reply, for calls that only a server's fault makes fail. @throws {Stop} unless it is `ok`. */
export function expectOk(delivery: Delivery, reply: Reply, what: string): Json {
  if (reply.kind === "ok") return reply.json;
  throw new Stop({
    state: "retry",
    problem: {
      code: "refused",
      message: `MLflow refused ${what} for run '${delivery.run}': ${reply.code} ${reply.message}`,
      action: "see the server's words; delivery is tried again by itself",
    },
  });
}

/** The field that a 2xx of MLflow holds. Of other calls it is empty, as the server of MLflow 3.17 answers them. */
const fields: Readonly<Record<string, string>> = {
  "experiments/create": "experiment_id",
  "experiments/get": "experiment",
  "experiments/get-by-name": "experiment",
  "runs/create": "run",
  "runs/get": "run",
  "runs/update": "run_info",
};

/** The list that a 2xx holds unless it is empty. */
const lists: Readonly<Record<string, string>> = { "runs/search": "runs", "metrics/get-history": "metrics" };

/** Whether a 2xx is MLflow's: another program's JSON must not count as a confirmation. */
function isAnswerTo(path: string, json: Json): boolean {
  const list = lists[path];
  if (list !== undefined) return Object.keys(json).length === 0 || Array.isArray(json[list]);
  const field = fields[path];
  return field === undefined ? Object.keys(json).length === 0 : json[field] !== undefined;
}

async function replyOf(delivery: Delivery, path: string, call: Call): Promise<Reply> {
  if (delivery.signal.aborted) throw new Stop({ state: "retry", problem: stopped });
  const answer = await delivery.call(call);
  const json = isJson(answer.json) ? answer.json : undefined;
  if (answer.class === "ok") {
    if (json !== undefined && isAnswerTo(path, json)) return { kind: "ok", json };
    throw new Stop(retryOf(answer, `without the JSON of MLflow ${call.path.split("?", 1)[0]}`));
  }
  const code = textAt(json, "error_code");
  const message = textAt(json, "message").slice(0, longestReason);
  if (answer.class === "halve")
    return { kind: "large", code: "413", message: answer.problem?.message ?? "413" };
  if (isParamChange(message)) return { kind: "refused", code, message };
  if (answer.class === "refused" && code !== "") return { kind: "refused", code, message };
  if (answer.class === "missing" && code !== "") return { kind: "missing", code, message };
  if (answer.class === "missing" || answer.class === "pause") {
    throw new Stop({ state: "pause", problem: problemOf(answer, call.path) });
  }
  throw new Stop(retryOf(answer, call.path));
}

/** A param has another value there already; the file store says so with a 500. */
export function isParamChange(message: string): boolean {
  return /changing param values is not allowed/i.test(message);
}

/** @throws {RunLost} when a refusal is about the run, not about what was sent. */
export function checkRunThere(reply: Reply): void {
  if (reply.kind === "missing") throw new RunLost("missing", reply.message);
  if (reply.kind === "refused" && /must be in (the )?'active' state/i.test(reply.message)) {
    throw new RunLost("deleted", reply.message);
  }
}

/** The outcome of an answer, or none, after which the same may do better later. */
export function retryOf(answer: Answer, asked: string): Extract<Outcome, { state: "retry" }> {
  const after = answer.retryAfterMs === undefined ? {} : { afterMs: answer.retryAfterMs };
  return { state: "retry", problem: problemOf(answer, asked), ...after };
}

function problemOf(answer: Answer, asked: string): Problem {
  return (
    answer.problem ?? {
      code: "wrong_server",
      message: `${asked} answered ${answer.status ?? "nothing"}`,
      action: "check that the URL is an MLflow server and that no proxy or login page answers for it",
    }
  );
}

const stopped: Problem = {
  code: "stopped",
  message: "delivery was stopped here",
  action: "nothing: the rest is sent later",
};

export function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The text of a field, or "". */
export function textAt(json: unknown, field: string): string {
  const value = isJson(json) ? json[field] : undefined;
  return typeof value === "string" ? value : "";
}

/** The object of a field, or an empty one. */
export function jsonAt(json: unknown, field: string): Json {
  const value = isJson(json) ? json[field] : undefined;
  return isJson(value) ? value : {};
}

/** The number of a field, or 0. */
export function numberAt(json: unknown, field: string): number {
  const value = Number(isJson(json) ? json[field] : 0);
  return Number.isFinite(value) ? value : 0;
}

/** The list of a field, or an empty one. */
export function listAt(json: unknown, field: string): readonly unknown[] {
  const value = isJson(json) ? json[field] : undefined;
  return Array.isArray(value) ? value : [];
}
