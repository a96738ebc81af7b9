import { encodeSegment, placeholder, type Segment } from "../../src/model/segment-line.ts";

/** Segments for tests of stores: small, of any writer, told apart by `mark`. */

/** The uid of every run that a test does not name otherwise. */
export const someUid: string = "0123456789abcdef".repeat(2);

/** The n-th writer. */
export function writerOf(n: number): string {
  return n.toString(16).padStart(12, "a");
}

export interface Wanted {
  readonly run: string;
  /** @default 0 */
  readonly writer?: number;
  readonly seq: number;
  readonly uid?: string;
  /** Makes other bytes under the same name. */
  readonly mark?: string;
  /** Bytes of filling. */
  readonly fill?: number;
  readonly records?: readonly object[];
}

export function segmentOf({
  run,
  writer = 0,
  seq,
  uid = someUid,
  mark = "",
  fill = 0,
  records = [],
}: Wanted): Segment {
  const time = 1_700_000_000_000 + seq;
  const first = { type: "run", time, uid, store: "5".repeat(32), tag: "contract" };
  const value = { type: "value", task: "main", key: "note", step: seq, time, json: mark + "x".repeat(fill) };
  const all = [...(seq === 0 ? [first] : []), value, ...records];
  const name = { run, writer: writerOf(writer), seq, clock: time + writer };
  return encodeSegment(
    name,
    all.map((record) => JSON.stringify(record)),
  );
}

/** Segments `from` up to `to`, without it. */
export function segmentsOf(run: string, from: number, to: number, writer = 0): Segment[] {
  return Array.from({ length: to - from }, (_, index) => segmentOf({ run, writer, seq: from + index }));
}

export function placeholderOf({ run, writer = 0, seq, uid = someUid, mark = "damaged" }: Wanted): Segment {
  return placeholder({ run, writer: writerOf(writer), seq, clock: 1 }, mark, 3, seq === 0 ? uid : undefined);
}

/** What names a segment and what is in it, to compare with. */
export function textOf(segment: Segment): string {
  return new TextDecoder().decode(segment.bytes);
}

export async function textsOf(segments: AsyncIterable<Segment>): Promise<string[]> {
  return (await listOf(segments)).map(textOf);
}

/** Everything that an iteration gives. */
export async function listOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

let count = 0;

/** A run id that no other test has. */
export function freshRun(): string {
  count += 1;
  return `run-${count}-${Math.random().toString(36).slice(2, 10)}`;
}
