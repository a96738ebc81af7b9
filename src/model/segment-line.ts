import { isRunlogError, RunlogError } from "../errors.ts";
import { crc32Hex } from "./crc32.ts";
import { parseJson } from "./json.ts";
import type { LostRecord, SegmentRecord } from "./records.ts";
import { runIdRule } from "./run-id.ts";
import { checkRecord, maxTime } from "./segment.ts";

/**
 * A segment's line: `{"v":1,"run":…,"writer":…,"seq":…,"clock":…,"records":[…],"crc":"xxxxxxxx"}`, UTF-8, without the
 * line end. The fields before `records` stand in this order and without spaces, so a store reads the name of a segment
 * without parsing it; the crc is CRC-32 of every byte before `,"crc"`. A segment never changes.
 */

/** The most bytes of a segment's line that any store or server takes. */
export const maxSegmentBytes: number = 4 * 1_048_576;

/** What names and orders a segment. */
export interface SegmentName {
  readonly run: string;
  /** 12 lower-case hex digits, new at every start of a process, worker or tab. */
  readonly writer: string;
  /** From 0, without gaps. */
  readonly seq: number;
  /** `max(Date.now(), own last clock + 1)`, and at first past every clock seen in the run. */
  readonly clock: number;
}

/** A segment as stored and sent: its name beside its very bytes. */
export interface Segment extends SegmentName {
  /** 1 for what this version writes; higher ones are kept and passed on. */
  readonly v: number;
  readonly crc: string;
  /** The line, without the line end. */
  readonly bytes: Uint8Array;
}

const head =
  /^\{"v":([1-9]\d{0,3}),"run":"([^"\\]{1,128})","writer":"([0-9a-f]{12})","seq":(0|[1-9]\d{0,14}),"clock":(0|[1-9]\d{0,15}),"records":\[/;
const maxPlaceholderBytes = 2_048; // a reason of 200 characters may be 1,200 bytes
const tailBytes = 18; // the length of ,"crc":"xxxxxxxx"}
const tail = /^,"crc":"([0-9a-f]{8})"\}$/;

/** A segment of `records`, each the JSON text of one record. */
export function encodeSegment(name: SegmentName, records: readonly string[]): Segment {
  const { run, writer, seq } = name;
  // Where somebody set the run's clock to the end of time: past it readers would take the segment for damaged.
  const clock = Math.min(name.clock, maxTime);
  const text = `{"v":1,"run":"${run}","writer":"${writer}","seq":${seq},"clock":${clock},"records":[${records.join(",")}]`;
  const body = new TextEncoder().encode(text);
  const crc = crc32Hex(body);
  const bytes = new Uint8Array(body.length + tailBytes);
  bytes.set(body);
  new TextEncoder().encodeInto(`,"crc":"${crc}"}`, bytes.subarray(body.length));
  return { v: 1, run, writer, seq, clock, crc, bytes };
}

/**
 * The segment in `bytes` (one line, without the line end). Checks the crc and the name, not the records.
 * @throws {RunlogError} `segment_damaged`, with what is wrong.
 */
export function decodeSegment(bytes: Uint8Array): Segment {
  if (bytes.length > maxSegmentBytes)
    throw damaged(`it has ${bytes.length} bytes; at most 4 MiB are allowed`);
  const body = bytes.length - tailBytes;
  const crc = body > 0 ? tail.exec(ascii(bytes.subarray(body)))?.[1] : undefined;
  if (bytes.includes(10)) throw damaged("it holds a line end");
  if (crc === undefined) throw damaged('it does not end in ,"crc":"<8 hex digits>"}');
  if (crc32Hex(bytes, body) !== crc) throw damaged("its crc does not fit its bytes");
  const found = head.exec(ascii(bytes.subarray(0, 320)));
  if (found === null) throw damaged("it does not begin with v, run, writer, seq, clock and records");
  const [, v, run, writer, seq, clock] = found as unknown as [string, string, string, string, string, string];
  const rule = runIdRule(run);
  if (rule !== undefined) throw damaged(`its run id ${rule}`);
  if (Number(clock) > maxTime) throw damaged("its clock is past what a date can be");
  return { v: Number(v), run, writer, seq: Number(seq), clock: Number(clock), crc, bytes };
}

/**
 * The records of a segment, parsed and checked. A segment of a newer version gives one `unknown` record.
 * @throws {RunlogError} `segment_damaged` when a record breaks its schema.
 */
export function readRecords(segment: Segment): SegmentRecord[] {
  const parsed = parse(segment);
  if (segment.v !== 1) return [{ type: "unknown", record: parsed }];
  const records = (parsed as { records?: unknown }).records;
  if (!Array.isArray(records)) throw damaged("its records are not a list");
  try {
    return records.map(checkRecord);
  } catch (cause) {
    throw damaged((cause as Error).message, cause);
  }
}

/** What tells two segments of one name apart. */
export interface SegmentPrint {
  readonly crc: string;
  readonly bytes: { readonly length: number };
}

/** True when two segments of one name are the same one. */
export function sameSegment(one: SegmentPrint, other: SegmentPrint): boolean {
  return one.crc === other.crc && one.bytes.length === other.bytes.length;
}

/**
 * Stands for a segment that is damaged here or refused there, so that numbers stay without gaps and the gap shows.
 * `reason` is cut at 200 characters.
 */
export function placeholder(name: SegmentName, reason: string, count: number, uid?: string): Segment {
  const record: LostRecord = {
    type: "lost",
    reason: reason.slice(0, 200),
    count,
    ...(uid !== undefined && { uid }),
  };
  return encodeSegment(name, [JSON.stringify(record)]);
}

/** True for what `placeholder` made: any true segment of that name replaces it, and it replaces none. */
export function isPlaceholder(segment: Segment): boolean {
  if (segment.v !== 1 || segment.bytes.length > maxPlaceholderBytes) return false;
  if (!new TextDecoder().decode(segment.bytes).includes('"records":[{"type":"lost"')) return false;
  try {
    const [record, second] = readRecords(segment);
    return second === undefined && record?.type === "lost" && record.reason !== "full";
  } catch (error) {
    if (isRunlogError(error, "segment_damaged")) return false;
    throw error;
  }
}

function parse(segment: Segment): unknown {
  try {
    return parseJson(new TextDecoder("utf-8", { fatal: true }).decode(segment.bytes));
  } catch (cause) {
    throw damaged("it is not JSON in UTF-8", cause);
  }
}

function ascii(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function damaged(what: string, cause?: unknown): RunlogError {
  return new RunlogError("segment_damaged", `this is no segment: ${what}`, { cause });
}
