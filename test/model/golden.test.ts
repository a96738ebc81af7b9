import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decodeSegment, isPlaceholder, readRecords, type Segment } from "../../src/model/segment-line.ts";
import { golden, goldenFile, laterLine, writeGolden } from "./golden.ts";

const lines = readFileSync(goldenFile, "utf8").trimEnd().split("\n");
const segments = lines.map((line) => decodeSegment(new TextEncoder().encode(line)));
const at = (seq: number): Segment => segments[seq] as Segment;

describe("the golden file", () => {
  it("has the bytes that the first release wrote, which never change", () => {
    expect(segments.map(({ crc, bytes }) => `${crc} ${bytes.length}`)).toEqual([
      "ca291f9a 2136",
      "ad4a22f3 264",
      "97ae14a6 213",
      "a27bec62 128",
      "5328a730 146",
    ]);
  });

  it("reads as what was written, every record type", () => {
    golden.forEach((records, seq) => {
      expect(at(seq)).toMatchObject({
        v: 1,
        run: "blazing-colden-0544-k3x9q2m7",
        writer: "f3a9c0d2e4b1",
        seq,
      });
      expect(readRecords(at(seq))).toStrictEqual(records);
    });
    const types = new Set(golden.flat().map((record) => record.type));
    expect([...types].sort()).toEqual(
      "artifact finish label lost metrics parameter run task unknown value".split(" "),
    );
  });

  it("is what this version writes, byte for byte", () => {
    for (const segment of writeGolden()) expect(segment).toStrictEqual(at(segment.seq));
  });

  it("holds one placeholder", () => {
    expect(segments.map(isPlaceholder)).toEqual([false, false, true, false, false]);
  });

  it("keeps and reports a segment of a later version", () => {
    expect(at(4)).toMatchObject({ v: 2, seq: 4, clock: 1763888001004 });
    expect(readRecords(at(4))).toEqual([{ type: "unknown", record: JSON.parse(lines[4] as string) }]);
    expect(lines[4]?.startsWith(laterLine)).toBe(true);
  });
});
