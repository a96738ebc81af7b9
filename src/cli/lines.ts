import { maxSegmentBytes } from "../model/segment-line.ts";

const newline = 10;

/**
 * The lines of a byte stream, without their ends and without empty ones, each with its number from 1. Split at `\n`
 * only: the separators U+2028 and U+2029 may stand inside a line.
 * @throws {Error} for a line longer than any segment.
 */
export async function* byteLines(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ readonly number: number; readonly bytes: Uint8Array }> {
  let rest: Uint8Array[] = [];
  let waiting = 0;
  let number = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const bytes = joined([...rest, chunk.subarray(start, end)]);
      [rest, waiting, start, number] = [[], 0, end + 1, number + 1];
      if (bytes.length > 0) yield { number, bytes };
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
    waiting += chunk.length - start;
    if (waiting > maxSegmentBytes)
      throw new Error(`line ${number + 1} is over 4 MiB: this is no file of segments`);
  }
  if (waiting > 0) yield { number: number + 1, bytes: joined(rest) };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : new Uint8Array(Buffer.concat(parts));
}
