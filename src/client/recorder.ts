import { numberToJson } from "../model/rich.ts";
import type { EncodedValue } from "../model/value.ts";

/**
 * Collects what is tracked until a segment is made of it. Metrics go into columns, one block a task; everything else
 * becomes the JSON text of its record at once. Nothing here waits, and nothing touches disk or network.
 */

/** The most observations of a segment. */
export const maxObservations = 16_384;
/** A draft is closed past this many bytes, by estimate. */
export const maxDraftBytes = 1_048_576;
/** What one metric takes in a line, measured: about 25 bytes; the estimate is kept above. */
const metricBytes = 32;

/** The content of one segment to be. */
export interface Draft {
  readonly records: () => string[];
  readonly observations: number;
  readonly bytes: number;
  /** How many records and observations were recorded up to its end, over the recorder's life. */
  readonly upTo: number;
}

/** Where a key's next metric goes, kept by the caller from call to call so that nothing is looked up twice. */
export interface Slot {
  block: Block | undefined;
  index: number;
}

export interface Recorder {
  metric(
    slot: Slot,
    task: string,
    attempt: number,
    key: string,
    step: number,
    time: number,
    value: number,
  ): void;
  value(task: string, attempt: number, key: string, step: number, time: number, value: EncodedValue): void;
  /** Any other record; comes after all metrics of its task recorded so far. */
  record(record: object, task?: string): void;
  /** Whether anything waits. */
  readonly empty: boolean;
  /** Records and observations so far, over its life. */
  readonly count: number;
  /** Estimated bytes not yet taken. */
  readonly bytes: number;
  /** Closes the open draft and gives every closed one. */
  take(): Draft[];
  /** True when a closed draft waits, so that it need not wait for the timer. */
  readonly full: boolean;
}

/** Metrics of one task in columns, while they are gathered. */
interface Block {
  /** False once nothing may be added: its draft is closed, or something else of the task came after it. */
  open: boolean;
  readonly task: string;
  readonly attempt: number;
  readonly keys: string[];
  readonly index: Map<string, number>;
  readonly key: number[];
  readonly step: number[];
  readonly time: number[];
  readonly value: (number | string)[];
}

type Part = Block | string;

export function createRecorder(): Recorder {
  let parts: Part[] = [];
  let open = new Map<string, Block>();
  let observations = 0;
  let bytes = 0;
  let count = 0;
  let closed: Draft[] = [];
  let closedBytes = 0;

  const close = (): void => {
    if (parts.length === 0) return;
    const content = parts;
    closed.push({ records: () => content.map(textOf), observations, bytes, upTo: count });
    closedBytes += bytes;
    parts = [];
    for (const block of open.values()) block.open = false;
    open = new Map();
    observations = 0;
    bytes = 0;
  };

  const grown = (by: number, observed: number): void => {
    count += 1;
    bytes += by;
    observations += observed;
    if (observations >= maxObservations || bytes >= maxDraftBytes) close();
  };

  const shut = (task: string): void => {
    const block = open.get(task);
    if (block !== undefined) block.open = false;
    open.delete(task);
  };

  /** Finds the key's place in the open block of its task. */
  const place = (slot: Slot, task: string, attempt: number, key: string): Block => {
    let block = open.get(task);
    if (block === undefined || block.attempt !== attempt) {
      shut(task);
      block = newBlock(task, attempt);
      open.set(task, block);
      parts.push(block);
    }
    let index = block.index.get(key);
    if (index === undefined) {
      index = block.keys.push(key) - 1;
      block.index.set(key, index);
    }
    slot.block = block;
    slot.index = index;
    return block;
  };

  return {
    metric(slot, task, attempt, key, step, time, value) {
      let { block } = slot;
      if (block === undefined || !block.open || block.attempt !== attempt)
        block = place(slot, task, attempt, key);
      block.key.push(slot.index);
      block.step.push(step);
      block.time.push(time);
      block.value.push(numberToJson(value));
      grown(metricBytes, 1);
    },
    value(task, attempt, key, step, time, value) {
      // The order of a key's records is the order of its tracking: its metrics so far stay in front.
      if (open.get(task)?.index.has(key)) shut(task);
      const start = JSON.stringify({ type: "value", task, ...(attempt > 1 && { attempt }), key, step, time });
      const meta = value.meta === undefined ? "" : `,"meta":${value.meta}`;
      const text = `${start.slice(0, -1)},"json":${value.json}${meta}}`;
      parts.push(text);
      grown(text.length, 1);
    },
    record(record, task) {
      if (task !== undefined) shut(task);
      const text = JSON.stringify(record);
      parts.push(text);
      grown(text.length, 0);
    },
    get empty() {
      return parts.length === 0 && closed.length === 0;
    },
    get count() {
      return count;
    },
    get bytes() {
      return bytes + closedBytes;
    },
    get full() {
      return closed.length > 0;
    },
    take() {
      close();
      const taken = closed;
      closed = [];
      closedBytes = 0;
      return taken;
    },
  };
}

function newBlock(task: string, attempt: number): Block {
  return { open: true, task, attempt, keys: [], index: new Map(), key: [], step: [], time: [], value: [] };
}

function textOf(part: Part): string {
  if (typeof part === "string") return part;
  const { task, attempt, keys, key, step, value } = part;
  const time = part.time.map((at, row) => (row === 0 ? at : at - (part.time[row - 1] as number)));
  return JSON.stringify({
    type: "metrics",
    task,
    ...(attempt > 1 && { attempt }),
    keys,
    key,
    step,
    time,
    value,
  });
}
