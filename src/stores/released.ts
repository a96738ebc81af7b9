import { RunlogError } from "../errors.ts";
import type { Segment } from "../model/segment-line.ts";

/** Segments that were delivered and then released to make room: what stands for them is no gap of the run. */

/** The URLs that have it instead; undefined for any other segment. */
export function whereReleased({ bytes }: Segment): string | undefined {
  const start = new TextDecoder().decode(bytes.subarray(0, 600));
  return /"records":\[\{"type":"lost","reason":"released ([^"]*)/.exec(start)?.[1];
}

/**
 * The segments, for whoever cannot do without one.
 * @throws {RunlogError} `run_released`
 */
export async function* unreleased(segments: AsyncIterable<Segment>): AsyncGenerator<Segment> {
  for await (const segment of segments) {
    const where = whereReleased(segment);
    if (where !== undefined) {
      throw new RunlogError(
        "run_released",
        `run '${segment.run}' was released to make room here, after delivery; read it at ${where}`,
      );
    }
    yield segment;
  }
}
