import type { Segment } from "../model/segment-line.ts";
import { isPlaceholder } from "../model/segment-line.ts";

/**
 * Each segment once, in the order of the fold: clock, writer, number. Of several under one name a true one goes before
 * a placeholder; of two different true ones (which no store keeps) always the same one is taken.
 */
export function inOrder(segments: readonly Segment[]): Segment[] {
  const byName = new Map<string, Segment>();
  for (const segment of segments) {
    const name = `${segment.writer}:${segment.seq}`;
    const other = byName.get(name);
    byName.set(name, other === undefined ? segment : preferred(segment, other));
  }
  return [...byName.values()].sort(
    (a, b) => a.clock - b.clock || compareText(a.writer, b.writer) || a.seq - b.seq,
  );
}

/** By code unit: the same on every machine, unlike `localeCompare`. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function preferred(one: Segment, other: Segment): Segment {
  if (one.crc === other.crc && one.bytes.length === other.bytes.length) return other;
  const standIn = isStandIn(one);
  if (standIn !== isStandIn(other)) return standIn ? other : one;
  const before = compareText(one.crc, other.crc) || one.bytes.length - other.bytes.length;
  return before < 0 ? one : other;
}

function isStandIn(segment: Segment): boolean {
  try {
    return isPlaceholder(segment);
  } catch {
    return true; // a short segment that is no JSON: anything readable goes before it
  }
}
