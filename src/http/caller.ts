import ky from "ky";
import { parseJson } from "../model/json.ts";
import type { Destination } from "../sync/destination.ts";
import { type Answer, type Call, classify } from "./answer.ts";
import { type Authorization, createAuthorization } from "./authorization.ts";
import { readBody } from "./body.ts";
import { startDeadline } from "./deadline.ts";
import { noAnswer } from "./no-answer.ts";
import { type Asked, problemOfStatus, redirected, wordsOf, wrongServer } from "./problems.ts";
import { retryAfterMs } from "./retry-after.ts";

/** Calls a server under a destination's URL. Resolves for every answer and for none; it never rejects. */
export type Caller = (call: Call, signal?: AbortSignal) => Promise<Answer>;

export interface CallerOptions {
  /** @default the platform's, looked up at each call */
  readonly fetch?: typeof fetch;
}

/** The part of a destination that a caller needs. */
export type CallTarget = Pick<Destination, "kind" | "url" | "credentials" | "probe" | "originAdvice">;

const defaultTimeoutMs = 60_000;
const mostRead = 32 * 1_048_576;
const mostText = 64 * 1_024;
const json = "application/json";

/**
 * The caller of a destination: adds its credentials, follows no redirect, retries nothing (couriers do), reads no more
 * of an answer than its kind needs and 64 KiB of an error, and says what went wrong in words for people.
 */
export function createCaller(target: CallTarget, options: CallerOptions = {}): Caller {
  const authorization = createAuthorization(target.credentials);
  return async (call, signal) => {
    const answer = await attempt(target, authorization, options, call, signal);
    if (answer.status !== 401 || !authorization.renew()) return answer;
    const second = await attempt(target, authorization, options, call, signal);
    if (second.status === 401) authorization.renew();
    return second;
  };
}

async function attempt(
  target: CallTarget,
  authorization: Authorization,
  options: CallerOptions,
  call: Call,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const asked: Asked = {
    what: `${call.method} ${target.url}${call.path.split("?", 1)[0]}`,
    destination: target,
  };
  const { value, problem } = await authorization.header();
  if (problem !== undefined) return { class: "retry", text: "", problem };
  const limitMs = call.timeoutMs ?? defaultTimeoutMs;
  const deadline = startDeadline(limitMs, signal);
  const fetched =
    options.fetch ?? ((...parameters: Parameters<typeof fetch>) => globalThis.fetch(...parameters));
  try {
    const response = await ky(target.url + call.path, {
      method: call.method,
      headers: headersOf(call, value),
      ...(call.body !== undefined && { body: call.body as string | Uint8Array<ArrayBuffer> }),
      redirect: "manual",
      cache: "no-store",
      retry: 0,
      timeout: false,
      throwHttpErrors: false,
      signal: deadline.signal,
      fetch: fetched,
    });
    return await answerOf(asked, call, response, authorization);
  } catch (error) {
    return await noAnswer({ asked, target, error, deadline, limitMs, fetch: fetched });
  } finally {
    deadline.stop();
  }
}

function headersOf(call: Call, authorization: string | undefined): Record<string, string> {
  return {
    accept: call.accept ?? json,
    ...(call.body !== undefined && { "content-type": call.type ?? json }),
    ...(authorization !== undefined && { authorization }),
  };
}

async function answerOf(
  asked: Asked,
  call: Call,
  response: Response,
  secrets: Authorization,
): Promise<Answer> {
  const { status } = response;
  if (response.type === "opaqueredirect" || (status >= 300 && status < 400)) {
    await response.body?.cancel();
    const problem = redirected(asked, response.headers.get("location"));
    return { class: "pause", ...(status !== 0 && { status }), text: "", problem };
  }
  const kind = classify(status);
  const after = retryAfterMs(response.headers.get("retry-after"), Date.now());
  const reads = kind === "ok" && (call.reads ?? call.method === "GET");
  const read = await readBody(response.body, reads ? mostRead : mostText);
  if (kind === "ok") return okOf(asked, call, response, read.bytes, read.cut);
  const text = new TextDecoder().decode(read.bytes);
  const parsed = parse(text);
  const problem = problemOfStatus(asked, status, secrets.redact(wordsOf(parsed, text)));
  return {
    class: kind,
    status,
    text,
    problem,
    ...(parsed !== undefined && { json: parsed }),
    ...(after !== undefined && { retryAfterMs: after }),
  };
}

/** A 2xx: only one of the type that was asked for is `ok`; an empty one is, and its judge is the destination. */
function okOf(asked: Asked, call: Call, response: Response, bytes: Uint8Array, cut: boolean): Answer {
  const { status } = response;
  const text = new TextDecoder().decode(bytes.subarray(0, mostText));
  const wrong = (found: string): Answer => ({
    class: "retry",
    status,
    text,
    problem: wrongServer(asked, found),
  });
  if (cut) return wrong(`more than ${bytes.length} bytes`);
  if (call.accept !== undefined && call.accept !== json) {
    const type = response.headers.get("content-type") ?? "no type";
    return type.startsWith(call.accept)
      ? { class: "ok", status, text, bytes }
      : wrong(`${type} where ${call.accept} was asked for`);
  }
  if (bytes.length === 0) return { class: "ok", status, text };
  const parsed = parse(bytes.length > mostText ? new TextDecoder().decode(bytes) : text);
  if (parsed === undefined) return wrong(/^\s*</.test(text) ? "an HTML page" : "something that is not JSON");
  return { class: "ok", status, text, json: parsed };
}

function parse(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined; // JSON itself has no undefined: this says "not JSON"
  }
}
