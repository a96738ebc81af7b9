import { crc32 as zlibCrc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc32, crc32Hex, crc32OfText } from "../../src/model/crc32.ts";
import {
  decodeSegment,
  encodeSegment,
  isPlaceholder,
  maxSegmentBytes,
  placeholder,
  readRecords,
  sameSegment,
} from "../../src/model/segment-line.ts";
import { anyText } from "./arbitraries.ts";
import { name } from "./through.ts";

const value = (json: unknown): string =>
  JSON.stringify({ type: "value", task: "main", key: "k", step: 0, time: 1, json });
const line = encodeSegment(name, [
  value({ ham: "wörld\u2028" }),
  '{"type":"label","name":"a","value":"b","time":2}',
]);

/** A line with a right crc around whatever stands before it. */
function sealed(body: string): Uint8Array {
  return new TextEncoder().encode(`${body},"crc":"${crc32OfText(body)}"}`);
}

function damage(bytes: Uint8Array): string {
  try {
    decodeSegment(bytes);
  } catch (error) {
    expect(error).toMatchObject({ code: "segment_damaged" });
    return (error as Error).message.replace("this is no segment: ", "");
  }
  throw new Error(`it was taken: ${new TextDecoder().decode(bytes).slice(0, 200)}`);
}

describe("crc32", () => {
  it("is zlib's, of every length and of a part", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, cut) => {
        const end = Math.min(cut, bytes.length);
        expect(crc32(bytes)).toBe(zlibCrc32(bytes));
        expect(crc32(bytes, end)).toBe(zlibCrc32(bytes.subarray(0, end)));
      }),
    );
  });

  it("is eight lower-case digits as hex", () => {
    expect(crc32Hex(new Uint8Array())).toBe("00000000");
    expect(crc32OfText("123456789")).toBe("cbf43926");
    expect(crc32OfText("ü")).toBe(zlibCrc32("ü").toString(16).padStart(8, "0"));
  });
});

describe("a segment's line", () => {
  it("comes back as it went in, for any records", () => {
    const text = fc.array(anyText, { maxLength: 5 });
    fc.assert(
      fc.property(text, fc.nat(), fc.nat(), (texts, seq, clock) => {
        const segment = encodeSegment({ ...name, seq, clock }, texts.map(value));
        expect(decodeSegment(segment.bytes.slice())).toStrictEqual(segment);
        expect(readRecords(segment)).toEqual(texts.map((item) => JSON.parse(value(item))));
      }),
    );
  });

  it("is one line of JSON that ends in its crc", () => {
    const text = new TextDecoder().decode(line.bytes);
    expect(text).toMatch(
      /^\{"v":1,"run":"[^"]+","writer":"f3a9c0d2e4b1","seq":7,"clock":\d+,"records":\[.*\],"crc":"[0-9a-f]{8}"\}$/s,
    );
    expect(JSON.parse(text)).toMatchObject({ ...name, crc: line.crc });
    expect(line.crc).toBe(zlibCrc32(line.bytes.subarray(0, -18)).toString(16).padStart(8, "0"));
  });

  it("is refused after any flip of any bit, and of any byte", () => {
    const bytes = line.bytes.slice();
    for (let at = 0; at < bytes.length; at++) {
      const right = bytes[at] as number;
      for (const wrong of [1, 2, 4, 8, 16, 32, 64, 128, 255, 0x5f].map((mask) => right ^ mask)) {
        bytes[at] = wrong;
        damage(bytes);
      }
      bytes[at] = right;
    }
    expect(sameSegment(decodeSegment(bytes), line)).toBe(true);
  });

  it("is refused when cut at any byte, at either end, or with more behind it", () => {
    for (let end = 0; end < line.bytes.length; end++) {
      damage(line.bytes.subarray(0, end));
      if (end > 0) damage(line.bytes.subarray(end));
    }
    damage(Uint8Array.of(...line.bytes, 10));
    damage(Uint8Array.of(...line.bytes, 32));
    damage(Uint8Array.of(...line.bytes, ...line.bytes));
  });

  const head = '{"v":1,"run":"a","writer":"f3a9c0d2e4b1","seq":0,"clock":1,"records":[]';
  it.each<[string, string, string]>([
    ["spaces in the head", head.replace(",", ", "), "it does not begin with v, run"],
    ["another order", head.replace('"v":1,"run":"a"', '"run":"a","v":1'), "it does not begin with v, run"],
    ["version 0", head.replace('"v":1', '"v":0'), "it does not begin with v, run"],
    ["a text as version", head.replace('"v":1', '"v":"1"'), "it does not begin with v, run"],
    ["an escape in the run id", head.replace('"a"', '"\\u002e"'), "it does not begin with v, run"],
    [
      "a run id that leaves its folder",
      head.replace('"a"', '"../../etc"'),
      "its run id must be 1 to 128 letters",
    ],
    ["a run id that is a device", head.replace('"a"', '"NUL"'), "its run id is the name of a Windows device"],
    [
      "a run id of 129 characters",
      head.replace('"a"', `"${"a".repeat(129)}"`),
      "it does not begin with v, run",
    ],
    ["a writer in capitals", head.replace("f3a9", "F3A9"), "it does not begin with v, run"],
    [
      "a writer that is a path",
      head.replace("f3a9c0d2e4b1", "../../../../."),
      "it does not begin with v, run",
    ],
    ["a negative seq", head.replace('"seq":0', '"seq":-1'), "it does not begin with v, run"],
    ["a seq with a leading zero", head.replace('"seq":0', '"seq":01'), "it does not begin with v, run"],
    [
      "a seq of 16 digits",
      head.replace('"seq":0', `"seq":${"9".repeat(16)}`),
      "it does not begin with v, run",
    ],
    ["a seq as 1e3", head.replace('"seq":0', '"seq":1e3'), "it does not begin with v, run"],
    ["a clock past every date", head.replace('"clock":1', `"clock":${"9".repeat(16)}`), "its clock is past"],
    ["a clock with a leading zero", head.replace('"clock":1', '"clock":01'), "it does not begin with v, run"],
    ["a line end inside", head.replace("[]", "[\n]"), "it holds a line end"],
    ["nothing but a crc", "", "it does not end in"],
  ])("is refused with %s, though its crc is right", (_, body, message) => {
    expect(damage(sealed(body))).toContain(message);
  });

  it("is refused over 4 MiB, and taken at it", () => {
    const overhead = encodeSegment(name, [value("")]).bytes.length;
    const largest = encodeSegment(name, [value("x".repeat(maxSegmentBytes - overhead))]);
    expect(largest.bytes.length).toBe(maxSegmentBytes);
    expect(decodeSegment(largest.bytes).crc).toBe(largest.crc);
    const larger = encodeSegment(name, [value("x".repeat(maxSegmentBytes - overhead + 1))]);
    expect(damage(larger.bytes)).toBe("it has 4194305 bytes; at most 4 MiB are allowed");
  });

  it("is another segment with another byte", () => {
    expect(sameSegment(line, encodeSegment(name, [value({ ham: "wörld\u2028" })]))).toBe(false);
    expect(sameSegment(line, encodeSegment({ ...name, clock: name.clock + 1 }, []))).toBe(false);
  });
});

describe("records that cannot be read", () => {
  it.each([
    ['"records":[', "it is not JSON in UTF-8"],
    ['"records":[],"records":{}', "its records are not a list"],
    ['"records":[1]', "a record must be an object with a 'type'"],
    ['"records":[null]', "a record must be an object with a 'type'"],
    ['"records":[{"type":7}]', "a record must be an object with a 'type'"],
    [`"records":[${"[".repeat(200_000)}${"]".repeat(200_000)}]`, "a record must be an object with a 'type'"],
  ])("%s", (records, message) => {
    const body = `{"v":1,"run":"a","writer":"f3a9c0d2e4b1","seq":0,"clock":1,${records}`;
    const segment = decodeSegment(sealed(body));
    expect(() => readRecords(segment)).toThrow(message);
  });

  it("bytes that are no UTF-8", () => {
    const bytes = encodeSegment(name, [value("ABCD")]).bytes.slice();
    bytes[bytes.length - 25] = 0xff;
    const crc = new TextEncoder().encode(crc32Hex(bytes, bytes.length - 18));
    bytes.set(crc, bytes.length - 10);
    expect(() => readRecords(decodeSegment(bytes))).toThrow("it is not JSON in UTF-8");
  });
});

describe("a placeholder", () => {
  it("is known from what placeholder() made, whatever its reason", () => {
    for (const reason of [
      "damaged",
      "refused",
      "",
      "\u0000".repeat(500),
      "x".repeat(5_000),
      '"records":[',
      "\ud800",
    ]) {
      const made = placeholder(name, reason, 3);
      expect(isPlaceholder(decodeSegment(made.bytes))).toBe(true);
      expect(readRecords(made)).toEqual([{ type: "lost", reason: reason.slice(0, 200), count: 3 }]);
    }
  });

  it("repeats the writer's uid in segment 0", () => {
    const uid = "00112233445566778899aabbccddeeff";
    expect(readRecords(placeholder({ ...name, seq: 0 }, "damaged", 1, uid))).toEqual([
      { type: "lost", reason: "damaged", count: 1, uid },
    ]);
  });

  it.each<[string, readonly string[]]>([
    ["the record of a full store", ['{"type":"lost","reason":"full","count":4}']],
    ["lost beside another record", ['{"type":"lost","reason":"damaged","count":4}', value(1)]],
    [
      "a tracked value that looks like one",
      [value({ records: [{ type: "lost", reason: "damaged", count: 1 }] })],
    ],
    [
      "a tracked text that looks like one",
      [value('"records":[{"type":"lost","reason":"damaged","count":1}]')],
    ],
    ["a lost record that breaks its schema", ['{"type":"lost","reason":7}']],
    ["no records", []],
    ["what is no JSON", ['{"type":"lost"']],
  ])("is not %s", (_, records) => {
    expect(isPlaceholder(decodeSegment(encodeSegment(name, records).bytes))).toBe(false);
  });
});
