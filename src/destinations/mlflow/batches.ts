import type { Item } from "./items.ts";
import type { Additions } from "./resolve.ts";
import type { Place } from "./state.ts";

/** MLflow's limits of one log-batch request (mlflow/utils/validation.py), and ours in bytes. */
export const limits: Readonly<Record<"metrics" | "params" | "tags" | "all" | "bytes", number>> = {
  metrics: 1_000,
  params: 100,
  tags: 100,
  all: 1_000,
  bytes: 512 * 1_024,
};

/** An item on its way, or the end of a segment, which adds nothing but moves the position. */
export interface Entry {
  /** Of the segment. */
  readonly clock: number;
  readonly writer: string;
  readonly seq: number;
  /** The item's number in its segment; undefined for a segment's end. */
  readonly index?: number;
  readonly item?: Item;
  readonly adds: Additions;
  /** Where the writer stands once this is confirmed. */
  readonly next: Place;
  /** At a segment's end: whether some writer ended in it. */
  readonly ends?: boolean | undefined;
}

/** Entries that fit into one request, in order. */
export interface Batch {
  readonly entries: Entry[];
  readonly params: Set<string>;
  readonly tags: Set<string>;
  metrics: number;
  bytes: number;
}

export function emptyBatch(): Batch {
  return { entries: [], params: new Set(), tags: new Set(), metrics: 0, bytes: 0 };
}

/** True for an entry that puts something into a request. */
export function hasContent({ adds }: Entry): boolean {
  return adds.metric !== undefined || adds.param !== undefined || adds.tags.length > 0;
}

/** Adds the entry unless the request would pass a limit; a batch takes its first entry whatever its size. */
export function tryAdd(batch: Batch, entry: Entry, maxBytes: number): boolean {
  const { metric, param, tags } = entry.adds;
  const newTags = tags.filter(([name]) => !batch.tags.has(name)).length;
  const metrics = batch.metrics + (metric === undefined ? 0 : 1);
  const params = batch.params.size + (param === undefined ? 0 : 1);
  const tagCount = batch.tags.size + newTags;
  const bytes = batch.bytes + bytesOf(entry.adds);
  const isFirst = batch.metrics + batch.params.size + batch.tags.size === 0;
  if (!isFirst && hasContent(entry)) {
    if (metrics > limits.metrics || params > limits.params || tagCount > limits.tags) return false;
    if (metrics + params + tagCount > limits.all || bytes > maxBytes) return false;
  }
  batch.entries.push(entry);
  batch.metrics = metrics;
  batch.bytes = bytes;
  if (param !== undefined) batch.params.add(param[0]);
  for (const [name] of tags) batch.tags.add(name);
  return true;
}

/** The body of a log-batch request; of several values of a tag only the last is in it. */
export function bodyOf(run: string, entries: readonly Entry[]): string {
  const metrics: string[] = [];
  const params: string[] = [];
  const tags = new Map<string, string>();
  for (const { adds } of entries) {
    if (adds.metric !== undefined) metrics.push(adds.metric);
    if (adds.param !== undefined) params.push(pair(adds.param[0], adds.param[1]));
    for (const [name, text] of adds.tags) tags.set(name, text);
  }
  const parts = [`"run_id":${JSON.stringify(run)}`];
  if (metrics.length > 0) parts.push(`"metrics":[${metrics.join(",")}]`);
  if (params.length > 0) parts.push(`"params":[${params.join(",")}]`);
  if (tags.size > 0) parts.push(`"tags":[${Array.from(tags, ([name, text]) => pair(name, text)).join(",")}]`);
  return `{${parts.join(",")}}`;
}

function pair(key: string, value: string): string {
  return `{"key":${JSON.stringify(key)},"value":${JSON.stringify(value)}}`;
}

/** The bytes that additions take at most. */
function bytesOf({ metric, param, tags }: Additions): number {
  let bytes = metric === undefined ? 0 : textBytes(metric) + 1;
  if (param !== undefined) bytes += textBytes(pair(...param)) + 1;
  for (const [name, text] of tags) bytes += textBytes(pair(name, text)) + 1;
  return bytes;
}

/** Bytes of a text in UTF-8, at most: a surrogate pair is counted as six, it takes four. */
function textBytes(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) bytes += unit > 0x7ff ? 2 : 1;
  }
  return bytes;
}
