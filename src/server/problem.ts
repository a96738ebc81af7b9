import { isRunlogError, messageOf } from "../errors.ts";
import type { Position } from "../model/records.ts";

/** What a problem document says beside its status. */
export interface ProblemFields {
  /** For programs; stable. */
  readonly code: string;
  /** For people: what was wanted, what was found, what to do. */
  readonly detail: string;
  /** writer -> the number that the store waits for. */
  readonly next?: Position;
  /** The segment that ended the request, and its line, from 1. */
  readonly writer?: string;
  readonly seq?: number;
  readonly line?: number;
}

const titles: Readonly<Record<number, string>> = {
  400: "Bad request",
  403: "Forbidden",
  404: "Not found",
  405: "Method not allowed",
  409: "Conflict",
  410: "Deleted",
  413: "Too large",
  415: "Unsupported type",
  422: "Malformed segment",
  500: "Server error",
  503: "Storage unavailable",
  507: "Storage full",
};

/** Ends a request with a problem document. */
export class HttpProblem extends Error {
  readonly status: number;
  readonly fields: ProblemFields;

  constructor(status: number, fields: ProblemFields) {
    super(fields.detail);
    this.status = status;
    this.fields = fields;
  }
}

/** A problem document (RFC 9457). */
export function problemResponse({ status, fields }: HttpProblem): Response {
  const { code, detail, ...rest } = fields;
  const title = titles[status] ?? "Problem";
  const body = { type: `urn:runlog:problem:${code}`, title, status, detail, code, ...rest };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store" },
  });
}

const statuses: Readonly<Record<string, number>> = {
  invalid: 400,
  not_found: 404,
  run_deleted: 410,
  run_id_taken: 409,
  segment_conflict: 409,
  segment_gap: 409,
  segment_damaged: 422,
  storage_full: 507,
  storage_unavailable: 503,
};

/** What any error means for a client. What this server does not know stays here: it may name paths. */
export function problemOf(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  const code = isRunlogError(error) ? error.code : "internal";
  const status = statuses[code];
  if (status !== undefined) return new HttpProblem(status, { code, detail: messageOf(error) });
  return new HttpProblem(500, { code: "internal", detail: "the server failed; its log says why" });
}
