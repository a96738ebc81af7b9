import { joined } from "../http/body.ts";
import { HttpProblem } from "./problem.ts";

/** The most bytes of a request's body, as sent and once unpacked. */
export const mostBodyBytes: number = 16 * 1_048_576;

/** Past this a client that still sends is cut off instead of answered. */
const mostDrainedBytes = 4 * mostBodyBytes;
const type = "application/x-ndjson";

/**
 * The body of a request, unpacked when it is gzip.
 * @throws {HttpProblem} 415 for another type or encoding, 413 past 16 MiB (packed or not), 400 for broken gzip
 */
export async function receiveBody(request: Request): Promise<Uint8Array> {
  const found = request.headers.get("content-type") ?? "none";
  if (found.split(";", 1)[0]?.trim().toLowerCase() !== type) {
    throw unsupported(`the body's type must be ${type}, found ${found.slice(0, 100)}`);
  }
  const encoding = (request.headers.get("content-encoding") ?? "identity").trim().toLowerCase();
  if (encoding !== "identity" && encoding !== "gzip") {
    throw unsupported(`the body's encoding must be gzip or none, found ${encoding.slice(0, 100)}`);
  }
  if (request.body === null) return new Uint8Array();
  // Read whole before it is unpacked: whoever still sends could not read the reply.
  const raw = await readLimited(request.body as ReadableStream<Uint8Array>, mostDrainedBytes);
  if (encoding === "identity") return raw;
  const packed = new Blob([raw as Uint8Array<ArrayBuffer>]).stream();
  return readLimited(packed.pipeThrough(new DecompressionStream("gzip")), mostBodyBytes);
}

/** Keeps at most 16 MiB; what comes past that, up to `drained` bytes in all, is read and thrown away. */
async function readLimited(stream: ReadableStream<Uint8Array>, drained: number): Promise<Uint8Array> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(unreadable);
    if (done) break;
    size += value.length;
    if (size <= mostBodyBytes) chunks.push(value);
    else if (size > drained) {
      await reader.cancel();
      break;
    }
  }
  if (size > mostBodyBytes) throw tooLarge();
  return joined(chunks, size);
}

function unreadable(cause: unknown): never {
  if (cause instanceof HttpProblem) throw cause;
  throw new HttpProblem(400, {
    code: "bad_body",
    detail: "the body ended early or is not the gzip it says to be",
  });
}

function tooLarge(): HttpProblem {
  return new HttpProblem(413, {
    code: "body_too_large",
    detail: "a request holds at most 16 MiB, packed or not; send fewer segments at a time",
  });
}

function unsupported(detail: string): HttpProblem {
  return new HttpProblem(415, { code: "unsupported_type", detail });
}
