import type { Segment } from "../../model/segment-line.ts";
import type { Entry } from "./batches.ts";
import { fitText, type Item, itemsOf, longestParam, type MetricItem, type SegmentItems } from "./items.ts";
import { type Mapping, resolve } from "./resolve.ts";
import { digestOf } from "./state.ts";
import type { Work } from "./work.ts";

/**
 * What the segments of a delivery say of each param and label, read before the first request. The first value of a
 * param stands and only the last of a tag is sent, both by the order of the fold: segments come writer by writer, and
 * after a lost ledger from the start, so that each in its turn would take a tag back to an older value.
 */
export interface Said {
  first: string;
  last: string;
  /** Whether they are not all the same. */
  changed: boolean;
  readonly digest: string;
}

/** An entry whose item is not yet mapped. */
export type Unmapped = Omit<Entry, "adds">;

/** Reads the segments that are still to go. @returns writer -> its next segment here */
export async function readAhead(
  work: Work,
  segments: AsyncIterable<Segment>,
): Promise<ReadonlyMap<string, number>> {
  const ends = new Map<string, number>();
  for await (const segment of segments) {
    const { writer, seq, clock } = segment;
    ends.set(writer, seq + 1);
    const { params, rest } = readItems(work, segment).items;
    if (params.length > 0) work.withParams.add(`${writer} ${seq}`);
    for (const [index, item] of params.concat(rest).entries())
      if (item.type !== "metric") hear(work, item, orderOf({ clock, writer, index }));
  }
  return ends;
}

/** A segment whose records cannot be read holds up nothing: it has no items, and is set aside as a whole. */
export function readItems(work: Work, segment: Segment): { items: SegmentItems; damage?: string } {
  try {
    return { items: itemsOf(work.delivery.records(segment)) };
  } catch (error) {
    return { items: { params: [], rest: [], ends: false }, damage: (error as Error).message };
  }
}

/** Maps an entry's item by what is known now. */
export function mapEntry(work: Work, entry: Unmapped): Entry {
  const { item } = entry;
  if (item === undefined) return { ...entry, adds: { tags: [] } };
  const said = item.type === "metric" ? undefined : work.said.get(idOf(work.mapping, item));
  const saying = said && { ...said, order: orderOf(entry) };
  return { ...entry, adds: resolve(work.mapping, work.draft, item, saying) };
}

function hear({ said, mapping }: Work, item: Exclude<Item, MetricItem>, order: string): void {
  const id = idOf(mapping, item);
  const digest = digestOf(fitText(item.text, longestParam), mapping.crc);
  const all = said.get(id) ?? { first: order, last: order, changed: false, digest };
  all.changed ||= all.digest !== digest;
  if (order < all.first) all.first = order;
  if (order > all.last) all.last = order;
  said.set(id, all);
}

/** Names a param or label of the run. */
function idOf({ taskPrefix }: Mapping, item: Item): string {
  return JSON.stringify(item, ["type", "name", "key", "step", taskPrefix ? "task" : ""]);
}

/** A text that sorts as the fold does; a writer's clock rises with its numbers. */
function orderOf({ clock, writer, index = 0 }: Pick<Entry, "clock" | "writer" | "index">): string {
  return `${String(clock).padStart(16, "0")} ${writer} ${String(index).padStart(8, "0")}`;
}
