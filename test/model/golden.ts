/**
 * What stands in golden.jsonl: segments of every record type as the first release wrote them. The file is kept for
 * ever and read by every later version; a new record type adds a line at its end and changes none.
 * `node test/model/golden.ts` writes the file where it is missing.
 */
import { existsSync, writeFileSync } from "node:fs";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import type { SegmentRecord } from "../../src/model/records.ts";
import { encodeSegment, placeholder, type Segment, type SegmentName } from "../../src/model/segment-line.ts";

export const goldenFile: string = fileURLToPath(new URL("golden.jsonl", import.meta.url));

const uid = "00112233445566778899aabbccddeeff";
const named = (seq: number): SegmentName => ({
  run: "blazing-colden-0544-k3x9q2m7",
  writer: "f3a9c0d2e4b1",
  seq,
  clock: 1763888001000 + seq,
});

const first: readonly SegmentRecord[] = [
  {
    type: "run",
    time: 1763888000000,
    uid,
    tag: "digits",
    key: "digits-cell",
    owner: "ana",
    parameters: {
      lr: { json: 0.01 },
      started: { json: "2025-11-23T08:53:20.000Z", meta: { values: ["Date"], v: 1 } },
      nothing: { json: null, meta: { values: ["undefined"], v: 1 } },
    },
    labels: { team: "vision", note: "\u2028 und ü" },
    model: {
      type: "object",
      properties: { loss: { type: "number", "x-goal": "min" }, note: { type: "string" } },
      additionalProperties: false,
    },
    destinations: [{ kind: "mlflow", url: "http://127.0.0.1:5000" }],
    code: [{ code_identifier: "3f2a9c", code_identifier_type: "git" }],
    host: { name: "node", version: "24.0.0", platform: "linux" },
    store: "ffeeddccbbaa99887766554433221100",
    seen: { a1b2c3d4e5f6: 12 },
    ended: ["a1b2c3d4e5f6"],
    rewindTo: 5,
  },
  { type: "task", task: "main", attempt: 1, status: "PROCESSING", time: 1763888000001 },
  {
    type: "metrics",
    task: "main",
    attempt: 1,
    keys: ["loss", "accuracy"],
    key: [0, 1, 0, 0, 0, 0, 1],
    step: [1, 1, 2, -3, 9007199254740991, 0, 0],
    time: [1763888000002, 0, 5, -7, 1, 0, 0],
    value: [0.3, 0.9, "NaN", "Infinity", "-Infinity", "-0", 5e-324],
  },
  {
    type: "value",
    task: "main",
    key: "eggs",
    step: 0,
    time: 1763888000005,
    json: { ham: "world", "a.b": [null, true] },
  },
  {
    type: "value",
    task: "main",
    attempt: 2,
    key: "rich",
    step: 3,
    time: 1763888000006,
    json: { "a\\b": "12345678901234567890", list: [1, "NaN"] },
    meta: { values: { "a\\\\b": ["bigint"], list: [["custom", "Float64Array"]] }, v: 1 },
  },
  { type: "parameter", name: "lr", time: 1763888000007, json: 0.001 },
  { type: "label", name: "team", value: "", time: 1763888000008 },
  {
    type: "artifact",
    name: "weights.bin",
    task: "main",
    time: 1763888000009,
    stage: "put",
    sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    size: 0,
  },
  { type: "lost", reason: "full", count: 17, time: 1763888000010 },
  { type: "task", task: "main", attempt: 1, status: "FAIL", time: 1763888000011, message: "out of memory" },
  { type: "finish", status: "FAIL", time: 1763888000012, message: "out of memory", signal: "SIGTERM" },
];

const later = { type: "gradient", task: "main", shape: [2, 2], data: "AAAA" };

/** seq -> the records that reading it must give. */
export const golden: readonly (readonly SegmentRecord[])[] = [
  first,
  [
    { type: "unknown", record: later },
    { type: "label", name: "a", value: "b", time: 1, since: "a later version" } as SegmentRecord,
  ],
  [{ type: "lost", reason: "damaged", count: 3, uid }],
  [],
];

/** The segments as this version writes them; the last line, of a later version, is none that it could write. */
export function writeGolden(): Segment[] {
  const texts = golden.map((records) =>
    records.map((record) => JSON.stringify(record.type === "unknown" ? record.record : record)),
  );
  return [
    encodeSegment(named(0), texts[0] as string[]),
    encodeSegment(named(1), texts[1] as string[]),
    placeholder(named(2), "damaged", 3, uid),
    encodeSegment(named(3), []),
  ];
}

/** The line of version 2 at the end of the file: its name is readable, its records are not ours to judge. */
export const laterLine =
  '{"v":2,"run":"blazing-colden-0544-k3x9q2m7","writer":"f3a9c0d2e4b1","seq":4,"clock":1763888001004,"records":[[1,"x"]],"zip":true';

if (argv[1] === fileURLToPath(import.meta.url) && !existsSync(goldenFile)) {
  const { crc32OfText } = await import("../../src/model/crc32.ts");
  const lines = writeGolden().map((segment) => new TextDecoder().decode(segment.bytes));
  lines.push(`${laterLine},"crc":"${crc32OfText(laterLine)}"}`);
  writeFileSync(goldenFile, `${lines.join("\n")}\n`);
}
