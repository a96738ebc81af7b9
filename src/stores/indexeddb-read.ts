import { isRunlogError } from "../errors.ts";
import type { Position } from "../model/records.ts";
import { decodeSegment, type Segment } from "../model/segment-line.ts";
import type { Connection, RunRow } from "./indexeddb-connection.ts";
import { damagedSegment } from "./rules.ts";

/** Reads in batches, each in a transaction of its own: none may wait for the reader. */

const targetBytes = 2 * 1_048_576;
const mostLines = 512;

/** The segments of one run from `from` on, each writer by number; what is unreadable comes as a placeholder. */
export async function* readRun(connection: Connection, row: RunRow, from: Position): AsyncGenerator<Segment> {
  for (const writer of Object.keys(row.writers).sort()) {
    yield* readWriter(connection, row, writer, from[writer] ?? 0);
  }
}

async function* readWriter(
  connection: Connection,
  row: RunRow,
  writer: string,
  from: number,
): AsyncGenerator<Segment> {
  const { run } = row;
  const next = row.writers[writer]?.next ?? 0;
  let count = 16;
  for (let seq = from; seq < next; ) {
    const range = IDBKeyRange.bound([run, writer, seq], [run, writer, Math.min(next, seq + count) - 1]);
    const lines = await connection.use(async (db) => {
      const tx = db.transaction("segments");
      const [keys, values] = await Promise.all([tx.store.getAllKeys(range), tx.store.getAll(range), tx.done]);
      return new Map(keys.map((key, index) => [key[2], values[index]]));
    });
    const end = Math.min(next, seq + count);
    for (; seq < end; seq++) {
      const bytes = lines.get(seq);
      const to = bytes === undefined ? row.kept?.summary.destinations : undefined;
      const reason = to && `released ${to.map(({ url }) => url).join(" ")}`;
      yield lineOf(bytes, { run, writer, seq }) ?? damagedSegment(run, writer, seq, row.uid, reason);
    }
    count = nextCount(count, lines);
  }
}

/** The segment in a stored line, or undefined when it is missing, damaged or another one. */
export function lineOf(
  bytes: Uint8Array | undefined,
  name: { readonly run: string; readonly writer: string; readonly seq: number },
): Segment | undefined {
  if (bytes === undefined) return undefined;
  try {
    const segment = decodeSegment(bytes);
    const fits = segment.run === name.run && segment.writer === name.writer && segment.seq === name.seq;
    return fits ? segment : undefined;
  } catch (error) {
    if (isRunlogError(error, "segment_damaged")) return undefined;
    throw error;
  }
}

// As many lines as make about 2 MiB, so that neither small nor large segments read slowly or fill memory.
function nextCount(count: number, lines: ReadonlyMap<number, Uint8Array | undefined>): number {
  let bytes = 1;
  for (const line of lines.values()) bytes += line?.byteLength ?? 0;
  const fitting = Math.floor((Math.max(lines.size, 1) * targetBytes) / bytes);
  return Math.max(1, Math.min(fitting, 2 * count, mostLines));
}
