import { maxSegmentBytes } from "../../model/segment-line.ts";

/** A line of a journal file. */
export interface Line {
  /** Where it begins in the file. */
  readonly offset: number;
  /** Without the line end. Empty when it was longer than any segment. */
  readonly bytes: Uint8Array;
  /** Where the next line begins. */
  readonly end: number;
}

export interface LineScanner {
  /** The lines that `chunk` completes. It keeps a part of `chunk`: give it a new one each time. */
  feed(chunk: Uint8Array): Line[];
}

const newline = 10;

/** Cuts a file, read from `offset` on, into lines. What comes after the last line end is no line. */
export function createLineScanner(offset: number): LineScanner {
  let start = offset;
  let parts: Uint8Array[] = [];
  let length = 0;
  const keep = (part: Uint8Array): void => {
    length += part.length;
    // Too long to be a segment: only its length is kept.
    if (length > maxSegmentBytes) parts = [];
    else parts.push(part);
  };
  const finish = (): Line => {
    const bytes = length > maxSegmentBytes ? new Uint8Array(0) : joined(parts);
    const line = { offset: start, bytes, end: start + length + 1 };
    start = line.end;
    parts = [];
    length = 0;
    return line;
  };
  return {
    feed(chunk) {
      const lines: Line[] = [];
      let from = 0;
      for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
        keep(chunk.subarray(from, at));
        lines.push(finish());
        from = at + 1;
      }
      if (from < chunk.length) keep(chunk.subarray(from));
      return lines;
    },
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
}
