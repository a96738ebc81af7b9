import { isRunlogError, messageOf, RunlogError } from "../errors.ts";
import type { Answer, Call } from "../http/answer.ts";
import { type Caller, createCaller } from "../http/caller.ts";
import { readServerUrl } from "../http/url.ts";
import type { Position } from "../model/records.ts";
import { decodeSegment, type Segment } from "../model/segment-line.ts";
import { encodeValue } from "../model/value.ts";
import type { RunQuery } from "../read/query.ts";
import type { RunSummary } from "../read/summary.ts";
import type { Credentials, Destination } from "../sync/destination.ts";
import { inTurn } from "./in-turn.ts";
import { appendCall, batchesOf, coversAll, mostSegments, ndjson, nextOf, runPath } from "./remote-batch.ts";
import { copyRun } from "./remote-copy.ts";
import { errorOf } from "./remote-errors.ts";
import { decodeSummary } from "./remote-summary.ts";
import { changesOf } from "./remote-watch.ts";
import type { Store } from "./store.ts";

/** A run-log store behind a server: read and written like any other, and a destination of runs. */
export interface RunLogStore extends Store, Destination {
  readonly kind: "runlog";
}

const pageBytes = 8 * 1_048_576;
const pageRuns = 200;

/**
 * The run-log store at `url`. Touches no network until it is used. A `url` that is no http(s) URL shows as `problem`;
 * user info in it counts as user name and password.
 *
 * @example
 * await trackRun({ tag: "digits", syncTo: [runLogStore("http://127.0.0.1:4000")] }, async (run) => { ... });
 */
export function runLogStore(url: string, credentials: Credentials = {}): RunLogStore {
  const server = readServerUrl(url);
  const destination: Destination & { readonly kind: "runlog" } = {
    kind: "runlog",
    url: server.url,
    ...(server.problem !== undefined && { problem: server.problem }),
    credentials: { ...server.userInfo, ...credentials },
    probe: "/healthz",
    foldsRewinds: true,
    originAdvice: (origin) => `start the server with: runlog serve --cors-origin ${origin}`,
    deliver: copyRun,
  };
  const store = { ...destination, ...remoteStore(destination, createCaller(destination)) };
  // Printing or serialising the store must not show secrets.
  return Object.defineProperty(store, "credentials", { enumerable: false });
}

function remoteStore(destination: Destination, caller: Caller): Store {
  const call = async (request: Call, sent: readonly Segment[] = []): Promise<Answer> => {
    const { problem } = destination;
    if (problem !== undefined) throw new RunlogError("unreachable", `${problem.message}; ${problem.action}`);
    const answer = await caller(request);
    if (answer.class !== "ok") throw errorOf(answer, sent);
    return answer;
  };
  const position = async (run: string): Promise<Position> => {
    const next = nextOf(await call({ method: "GET", path: `${runPath(run)}/position` }));
    return next ?? fail(destination, "its position has no well-formed 'next'");
  };
  const turn = inTurn();
  const appendAll = async (segments: readonly Segment[]): Promise<void> => {
    for await (const batch of batchesOf(segments, () => mostSegments)) {
      const next = nextOf(await call(appendCall(batch[0].run, batch), batch));
      if (!coversAll(next, batch)) fail(destination, "its reply does not cover what was sent");
    }
  };
  return {
    // Requests sent side by side could pass each other, and the second would be a gap.
    append: (segments) => turn("append", () => appendAll(segments)),
    position,
    segments: (run, from) => segmentsOf(destination, call, position, run, from),
    runs: (query) => runsOf(destination, call, query),
    async delete(run) {
      await call({ method: "DELETE", path: runPath(run) });
    },
    watch: (run, signal) => changesOf(run === undefined ? undefined : () => position(run), signal),
    close: () => Promise.resolve(), // holds nothing
  };
}

async function* segmentsOf(
  destination: Destination,
  call: (request: Call) => Promise<Answer>,
  position: (run: string) => Promise<Position>,
  run: string,
  from: Position = {},
): AsyncGenerator<Segment> {
  const there = await position(run);
  for (const writer of Object.keys(there).sort()) {
    let seq = from[writer] ?? 0;
    while (seq < (there[writer] ?? 0)) {
      const path = `${runPath(run)}/writers/${writer}/segments?from=${seq}&bytes=${pageBytes}`;
      const { bytes } = await call({ method: "GET", path, accept: ndjson });
      const page = linesOf(bytes ?? new Uint8Array()).map(decodeSegment);
      if (page.length === 0) return; // deleted meanwhile
      for (const segment of page) {
        if (segment.run !== run || segment.writer !== writer || segment.seq !== seq) {
          fail(
            destination,
            `it gave segment ${segment.seq} of ${segment.writer} where ${seq} of ${writer} was asked for`,
          );
        }
        yield segment;
        seq += 1;
      }
    }
  }
}

async function* runsOf(
  destination: Destination,
  call: (request: Call) => Promise<Answer>,
  query: RunQuery = {},
): AsyncGenerator<RunSummary> {
  let left = query.limit ?? Number.POSITIVE_INFINITY;
  let cursor: string | undefined;
  while (left > 0) {
    const parameters = parametersOf(query, Math.min(left, pageRuns), cursor);
    const { json } = await call({ method: "GET", path: `/v1/runs?${parameters}` });
    const page = json as { runs?: unknown; cursor?: unknown } | undefined;
    if (!Array.isArray(page?.runs)) return fail(destination, "its list of runs is none");
    for (const item of page.runs) {
      yield summaryOf(destination, item);
      left -= 1;
    }
    if (typeof page.cursor !== "string" || page.runs.length === 0) return;
    cursor = page.cursor;
  }
}

function parametersOf(query: RunQuery, limit: number, cursor: string | undefined): URLSearchParams {
  const parameters = new URLSearchParams({ limit: String(limit) });
  for (const name of ["tag", "status", "sort"] as const) {
    const value = query[name];
    if (value !== undefined) parameters.set(name, value);
  }
  if (query.where !== undefined) {
    const { json, meta } = encodeValue(query.where);
    parameters.set("where", json);
    if (meta !== undefined) parameters.set("where-meta", meta);
  }
  if (cursor !== undefined) parameters.set("cursor", cursor);
  return parameters;
}

function summaryOf(destination: Destination, item: unknown): RunSummary {
  try {
    return decodeSummary(item);
  } catch (error) {
    if (isRunlogError(error)) throw error;
    return fail(destination, `a run in its list is malformed: ${messageOf(error)}`);
  }
}

function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(10, at);
    lines.push(bytes.subarray(at, end < 0 ? bytes.length : end));
    at = end < 0 ? bytes.length : end + 1;
  }
  return lines;
}

function fail(destination: Destination, what: string): never {
  throw new RunlogError("unreachable", `${destination.url} is no run-log store that can be read: ${what}`);
}
