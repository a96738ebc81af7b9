import type { MetricsRecord, ValueRecord } from "../../src/model/records.ts";
import { numberFromJson, numberToJson } from "../../src/model/rich.ts";
import { decodeSegment, encodeSegment, readRecords, type SegmentName } from "../../src/model/segment-line.ts";
import { decodeValue, encodeValue } from "../../src/model/value.ts";

export const name: SegmentName = {
  run: "blazing-colden-0544-k3x9q2m7",
  writer: "f3a9c0d2e4b1",
  seq: 7,
  clock: 1763888001000,
};

/** What comes back when `value` is encoded, written into a segment's bytes, read from them and decoded. */
export function valueThrough(value: unknown, key = "eggs"): unknown {
  const { json, meta } = encodeValue(value);
  const record = `{"type":"value","task":"main","key":${JSON.stringify(key)},"step":0,"time":5,"json":${json}${
    meta === undefined ? "" : `,"meta":${meta}`
  }}`;
  const [read] = readRecords(decodeSegment(encodeSegment(name, [record]).bytes.slice()));
  const found = read as ValueRecord;
  if (found.key !== key) throw new Error(`the key came back as ${JSON.stringify(found.key)}`);
  return decodeValue(found.json, found.meta);
}

/** The same for metrics. */
export function metricsThrough(values: readonly number[]): number[] {
  const record: MetricsRecord = {
    type: "metrics",
    task: "main",
    keys: ["loss"],
    key: values.map(() => 0),
    step: values.map((_, index) => index),
    time: values.map((_, index) => (index === 0 ? 1763888000000 : 1)),
    value: values.map(numberToJson),
  };
  const [read] = readRecords(decodeSegment(encodeSegment(name, [JSON.stringify(record)]).bytes.slice()));
  return (read as MetricsRecord).value.map(numberFromJson);
}
