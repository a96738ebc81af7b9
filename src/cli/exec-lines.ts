/** Finds the lines `MAGNUS_TRACK_<key>=<value>` and `MAGNUS_PRM_<name>=<value>` in a stream of bytes, holding no more of it than such a line. */

const prefix = Buffer.from("MAGNUS_");
const counts = /^MAGNUS_(TRACK|PRM)_/;
const newline = 10;
/** What a tracked value may be at most, and a little for its name. */
const longest = 1_048_576 + 4_096;

export interface TrackedLines {
  /** Reads the next bytes. */
  push(chunk: Uint8Array): void;
  /** The stream has ended: a last line needs no newline. */
  end(): void;
}

/** @param found gets the name and the text after the first `=` @param tooLong gets the start of a line over 1 MiB */
export function createTrackedLines(
  found: (name: string, text: string) => void,
  tooLong: (start: string) => void,
): TrackedLines {
  let held: Uint8Array[] = [];
  let size = 0;
  let skipping = false;

  const hold = (part: Uint8Array): void => {
    if (skipping || part.length === 0) return;
    if (size === 0 && part[0] !== prefix[0]) {
      skip();
      return;
    }
    // Copied: the stream may use its buffer again.
    held.push(Uint8Array.from(part));
    size += part.length;
    if (size < prefix.length) return;
    const line = Buffer.concat(held);
    held = [line];
    if (!line.subarray(0, prefix.length).equals(prefix)) skip();
    else if (size > longest) {
      tooLong(line.toString("utf8", 0, 60));
      skip();
    }
  };
  const skip = (): void => {
    skipping = true;
    held = [];
    size = 0;
  };
  const lineEnds = (): void => {
    if (!skipping && size > prefix.length) {
      const line = Buffer.concat(held).toString("utf8");
      const at = line.indexOf("=");
      if (at > 0 && counts.test(line)) found(line.slice(0, at), line.slice(at + 1));
    }
    held = [];
    size = 0;
    skipping = false;
  };

  return {
    push(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
        hold(chunk.subarray(start, end));
        lineEnds();
        start = end + 1;
      }
      hold(chunk.subarray(start));
    },
    end: lineEnds,
  };
}
