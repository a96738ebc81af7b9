/**
 * What a server's answer means for a delivery: one pure function. Destinations may know better about single answers
 * (an error code in the body), never about these classes.
 */

/** A request under the destination's URL. */
export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Begins with a slash; query included. */
  readonly path: string;
  /** A string or bytes, never a stream: MLflow reads a chunked body as empty. Default type: application/json. */
  readonly body?: string | Uint8Array;
  readonly type?: string;
  /** The type that the answer must have; anything but JSON comes back as `bytes`. @default "application/json" */
  readonly accept?: string;
  /** Until the whole answer is read. @default 60_000 */
  readonly timeoutMs?: number;
  /** Whether its answer holds data, at most 32 MiB, as those of GET; all others confirm a change in 64 KiB. */
  readonly reads?: boolean;
}

/**
 * - `ok`: 2xx; `json` holds the parsed body when there is one.
 * - `retry`: no answer, 408, 425, 429, 5xx, or 2xx whose body is not of the type asked for (`wrong_server`).
 * - `resync`: 409, the other side knows another position.
 * - `refused`: 400 or 422, something in the request is wrong for good: bisect.
 * - `halve`: 413, the request is too large.
 * - `missing`: 404 or 405. `gone`: 410.
 * - `pause`: 401, 403 and redirects, which are never followed with credentials.
 */
export type AnswerClass = "ok" | "retry" | "resync" | "refused" | "halve" | "missing" | "gone" | "pause";

export interface Answer {
  readonly class: AnswerClass;
  /** Absent when no answer came. */
  readonly status?: number;
  /** The parsed body, when it was JSON. */
  readonly json?: unknown;
  /** The body, when the call accepts another type than JSON and got it. */
  readonly bytes?: Uint8Array;
  /** The body's text, at most 64 KiB of it; or what the network said. */
  readonly text: string;
  /** The server's Retry-After, clamped to 0…15 minutes. */
  readonly retryAfterMs?: number;
  /** For people, whenever the class is not `ok`. */
  readonly problem?: { readonly code: string; readonly message: string; readonly action: string };
}

/** The class of a status; bodies are judged by the caller. */
export function classify(status: number): AnswerClass {
  if (status >= 200 && status < 300) return "ok";
  if (status >= 300 && status < 400) return "pause";
  if (status === 401 || status === 403) return "pause";
  if (status === 404 || status === 405) return "missing";
  if (status === 409) return "resync";
  if (status === 410) return "gone";
  if (status === 413) return "halve";
  if (status === 408 || status === 425 || status === 429 || status >= 500) return "retry";
  return "refused";
}
