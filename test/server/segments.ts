/** Segments as a client would send them. */
import { encodeSegment, type Segment } from "../../src/model/segment-line.ts";

export const uid: string = "a".repeat(32);
export const writer = "f3a9c0d2e4b1";

/** What a segment is of; the rest has defaults. */
interface Of {
  readonly run?: string;
  readonly writer?: string;
  readonly seq: number;
}

/** A segment with these records. */
export function segment({ run = "demo", writer: by = writer, seq }: Of, ...records: unknown[]): Segment {
  const texts = records.map((record) => JSON.stringify(record));
  return encodeSegment({ run, writer: by, seq, clock: 1_000 + seq }, texts);
}

/** A writer's first segment. */
export function first(of: Omit<Of, "seq"> & { readonly uid?: string; readonly tag?: string } = {}): Segment {
  const record = { type: "run", time: 1_000, uid: of.uid ?? uid, store: "here", tag: of.tag ?? "test" };
  return segment({ ...of, seq: 0 }, record);
}

/** A segment with `count` losses, by default 2. */
export function losses(of: Of, count = 2): Segment {
  const index = Array.from({ length: count }, (_, at) => at);
  return segment(of, {
    type: "metrics",
    task: "main",
    keys: ["loss"],
    key: index.map(() => 0),
    step: index.map((at) => of.seq * 1_000 + at),
    time: index.map((at) => (at === 0 ? 2_000 : 1)),
    value: index.map((at) => 1 / (1 + at)),
  });
}

/** Lines as a request's body. */
export function lines(...segments: readonly Segment[]): string {
  return segments.map(({ bytes }) => `${new TextDecoder().decode(bytes)}\n`).join("");
}
