/** Runs in memory and their delivery to a real server: what a courier and a store do, without them. */

import type { Answer, Call } from "../../../src/http/answer.ts";
import { createCaller } from "../../../src/http/caller.ts";
import { crc32OfText } from "../../../src/model/crc32.ts";
import { type KeyClock, nextTime } from "../../../src/model/observation.ts";
import type { SegmentRecord } from "../../../src/model/records.ts";
import { numberToJson } from "../../../src/model/rich.ts";
import { encodeSegment, readRecords, type Segment } from "../../../src/model/segment-line.ts";
import { encodeValue } from "../../../src/model/value.ts";
import type { AsideItem, LedgerEntry } from "../../../src/stores/store.ts";
import type { Delivery, Destination, FoldedRun, Outcome } from "../../../src/sync/destination.ts";

/** One run as a store on one machine holds it, with the ledger of one destination. */
export interface Held {
  readonly run: string;
  readonly uid: string;
  readonly segments: Segment[];
  readonly aside: AsideItem[];
  entry: LedgerEntry;
}

let made = 0;

/** A run without segments. */
export function hold(run: string = `run-${++made}`, uid: string = hex(32)): Held {
  return { run, uid, segments: [], aside: [], entry: emptyEntry() };
}

/** A ledger that knows nothing. */
export function emptyEntry(): LedgerEntry {
  return { url: "", position: {}, delivered: 0, setAside: 0, state: {} };
}

/** Random lower-case hex digits. */
export function hex(digits: number): string {
  return Array.from({ length: digits }, () => Math.floor(Math.random() * 16).toString(16)).join("");
}

/** What `writerOf` was told, to compare with what arrived. */
export interface Tracked {
  readonly task: string;
  readonly key: string;
  readonly step: number;
  readonly time: number;
  readonly value: unknown;
}

export interface TestWriter {
  readonly id: string;
  readonly tracked: Tracked[];
  track(key: string, value: unknown, step?: number, task?: string, now?: number): void;
  record(record: Record<string, unknown>): void;
  /** Closes the segment and adds it to the run. */
  close(): Segment;
}

interface Columns {
  readonly type: "metrics";
  readonly task: string;
  readonly keys: string[];
  readonly key: number[];
  readonly step: number[];
  readonly time: number[];
  readonly value: (number | string)[];
  last: number;
}

/** A writer of the run; its times follow the rule of every writer. */
export function writerOf(held: Held, id: string = hex(12)): TestWriter {
  const clocks = new Map<string, KeyClock>();
  const tracked: Tracked[] = [];
  const records: string[] = [];
  let columns: Columns | undefined;
  let seq = 0;
  const settle = (): void => {
    if (columns !== undefined) records.push(JSON.stringify({ ...columns, last: undefined }));
    columns = undefined;
  };
  return {
    id,
    tracked,
    track(key, value, step = 0, task = "main", now = 1_763_888_000_000) {
      const name = `${task}\n${key}`;
      const time = nextTime(clocks.get(name), step, now);
      clocks.set(name, { step, time });
      tracked.push({ task, key, step, time, value });
      if (typeof value !== "number") {
        settle();
        records.push(valueRecord(task, key, step, time, value));
        return;
      }
      if (columns?.task !== task) settle();
      columns ??= { type: "metrics", task, keys: [], key: [], step: [], time: [], value: [], last: 0 };
      append(columns, key, step, time, value);
    },
    record(record) {
      settle();
      records.push(JSON.stringify(record));
    },
    close() {
      settle();
      const segment = encodeSegment(
        { run: held.run, writer: id, seq: seq++, clock: 1_763_888_000_000 + held.segments.length },
        records.splice(0),
      );
      held.segments.push(segment);
      return segment;
    },
  };
}

function append(columns: Columns, key: string, step: number, time: number, value: number): void {
  if (!columns.keys.includes(key)) columns.keys.push(key);
  columns.key.push(columns.keys.indexOf(key));
  columns.step.push(step);
  columns.time.push(time - columns.last);
  columns.value.push(numberToJson(value));
  columns.last = time;
}

function valueRecord(task: string, key: string, step: number, time: number, value: unknown): string {
  const { json, meta } = encodeValue(value);
  const head = JSON.stringify({ type: "value", task, key, step, time }).slice(0, -1);
  return `${head},"json":${json}${meta === undefined ? "" : `,"meta":${meta}`}}`;
}

/** A writer that has written its run record. */
export function startWriter(held: Held, more: Record<string, unknown> = {}): TestWriter {
  const writer = writerOf(held);
  writer.record({ type: "run", time: 1_763_888_000_000, uid: held.uid, store: hex(32), ...more });
  return writer;
}

export interface DeliverOptions {
  readonly owner?: boolean;
  readonly verify?: boolean;
  readonly fold?: Partial<FoldedRun>;
  /** Instead of real requests. */
  readonly call?: (call: Call) => Promise<Answer>;
  readonly segments?: readonly Segment[];
  /** Called after each save; may throw, as a crash would. */
  readonly saved?: (entry: LedgerEntry) => void;
}

/** One delivery, as a courier would ask for it. */
export async function deliver(
  held: Held,
  destination: Destination,
  options: DeliverOptions = {},
): Promise<Outcome> {
  const caller = options.call ?? createCaller(destination);
  const signal = new AbortController().signal;
  const save = async (change: Partial<LedgerEntry>): Promise<void> => {
    held.entry = JSON.parse(JSON.stringify({ ...held.entry, ...change })) as LedgerEntry;
    options.saved?.(held.entry);
  };
  const delivery: Delivery = {
    run: held.run,
    uid: held.uid,
    owner: options.owner ?? true,
    verify: options.verify ?? false,
    signal,
    get ledger() {
      return held.entry;
    },
    call: (call) => caller(call),
    async *segments(from = {}) {
      for (const segment of options.segments ?? held.segments) {
        if (segment.seq >= (from[segment.writer] ?? 0)) yield segment;
      }
    },
    records: readRecords,
    save,
    async setAside(item) {
      held.aside.push(item);
      await save({ setAside: held.entry.setAside + 1 });
    },
    fold: async () => ({ ...fold(held), ...options.fold }),
    crc: crc32OfText,
  };
  return destination.deliver(delivery);
}

/** Enough of a fold for one writer's ends. */
function fold(held: Held): FoldedRun {
  const records: readonly SegmentRecord[] = held.segments.flatMap((segment) => readRecords(segment));
  const run = records.find((record) => record.type === "run");
  const end = records.findLast((record) => record.type === "finish");
  return {
    tag: run?.type === "run" ? run.tag : undefined,
    status: end?.type === "finish" ? end.status : "PROCESSING",
    signal: end?.type === "finish" ? end.signal : undefined,
    started: run?.type === "run" ? run.time : 0,
    ended: end?.type === "finish" ? end.time : undefined,
    labels: {},
    json: () => JSON.stringify({ run_id: held.run, records: records.length }),
  };
}
