import { type FileHandle, open } from "node:fs/promises";
import type { Position } from "../../model/records.ts";
import type { Segment } from "../../model/segment-line.ts";
import { damagedSegment } from "../rules.ts";
import { errorCode } from "./durable.ts";
import { decoded, type Entry, type RunIndex } from "./run-index.ts";

/** Reads a run's segments with one stretch of a file in memory at a time. */

const stretchBytes = 1_048_576;

/**
 * Each writer by number, as known now. What is damaged comes as a placeholder, once `reread` has built the index anew:
 * a line may have moved, for who wrote it takes it out of a file whose flush failed and writes it to the next one.
 */
export async function* readSegments(
  run: string,
  index: RunIndex,
  from: Position,
  reread: () => Promise<void>,
): AsyncGenerator<Segment> {
  const entriesOf = (writer: string): (Entry | undefined)[] => index.entries(writer).slice(from[writer] ?? 0);
  const writers = Object.keys(index.position()).sort();
  for (const [writer, known] of writers.map((each) => [each, entriesOf(each)] as const)) {
    let entries = known;
    let doubted = -1;
    for (let at = 0; at < entries.length; ) {
      for (const bytes of await readStretch(stretchAt(entries, at))) {
        const seq = (from[writer] ?? 0) + at;
        const segment = segmentIn(bytes, run, writer, seq);
        if (segment === undefined && entries[at] !== undefined && doubted !== at) {
          doubted = at;
          await reread();
          entries = entriesOf(writer);
          break;
        }
        yield segment ?? damagedSegment(run, writer, seq, index.uid);
        at += 1;
      }
    }
  }
}

function segmentIn(
  bytes: Uint8Array | undefined,
  run: string,
  writer: string,
  seq: number,
): Segment | undefined {
  const segment = bytes && decoded(bytes);
  return segment?.run === run && segment.writer === writer && segment.seq === seq ? segment : undefined;
}

// Entries that lie one after the other in one file; a hole is a stretch of its own.
function stretchAt(entries: readonly (Entry | undefined)[], at: number): (Entry | undefined)[] {
  const first = entries[at];
  if (first === undefined) return [undefined];
  const stretch = [first];
  let end = first.offset + first.length + 1;
  for (let entry = entries[at + 1]; entry !== undefined; entry = entries[at + stretch.length]) {
    if (entry.file !== first.file || entry.offset !== end) break;
    if (end + entry.length - first.offset > stretchBytes) break;
    stretch.push(entry);
    end += entry.length + 1;
  }
  return stretch;
}

/** The lines of a stretch; undefined for a hole, and for all of them when the file is gone. */
async function readStretch(stretch: readonly (Entry | undefined)[]): Promise<(Uint8Array | undefined)[]> {
  const [first] = stretch;
  const last = stretch.at(-1);
  if (first === undefined || last === undefined) return [undefined];
  const bytes = Buffer.allocUnsafe(last.offset + last.length - first.offset);
  const handle = await openIfThere(first.file.path);
  if (handle === undefined) return [undefined];
  try {
    const length = await readAll(handle, bytes, first.offset);
    return stretch.map((entry) => {
      const start = (entry as Entry).offset - first.offset;
      return bytes.subarray(start, Math.min(start + (entry as Entry).length, length));
    });
  } finally {
    await handle.close();
  }
}

async function readAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
