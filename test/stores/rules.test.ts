import { describe, expect, it } from "vitest";
import { encodeSegment, placeholder, type Segment } from "../../src/model/segment-line.ts";
import { damagedSegment, heldOf, judge, type KnownRun, uidOf } from "../../src/stores/rules.ts";
import { placeholderOf, segmentOf, someUid, writerOf } from "../contract/segments.ts";

const run = "r";
const known: KnownRun = { deleted: false, uid: someUid, next: { [writerOf(0)]: 2 } };
const at = (seq: number, mark = ""): Segment => segmentOf({ run, seq, mark });

describe("a segment that comes in", () => {
  it.each<[string, Segment, Segment | undefined, string]>([
    ["the next one", at(2), undefined, "add"],
    ["one that is here", at(1), at(1), "skip"],
    ["a placeholder of one that is here", placeholderOf({ run, seq: 1 }), at(1), "skip"],
    ["a placeholder of one that cannot be read", placeholderOf({ run, seq: 1 }), undefined, "skip"],
    ["the true one of a placeholder", at(1), placeholderOf({ run, seq: 1 }), "replace"],
    ["the true one of one that cannot be read", at(1), undefined, "replace"],
    ["the first one again", at(0), at(0), "skip"],
  ])("%s", (_, segment, held, verdict) => {
    expect(judge(segment, known, held && heldOf(held))).toBe(verdict);
  });

  it.each<[string, Segment, Partial<KnownRun>, string]>([
    ["after a gap", at(3), {}, "segment_gap"],
    ["of an unknown writer, not its first", segmentOf({ run, writer: 1, seq: 1 }), {}, "segment_gap"],
    ["of a deleted run", at(2), { deleted: true }, "run_deleted"],
    ["of another uid", segmentOf({ run, writer: 1, seq: 0, uid: "f".repeat(32) }), {}, "run_id_taken"],
    ["with a line end", { ...at(2), bytes: new TextEncoder().encode("a\nb") }, {}, "segment_damaged"],
    ["past 4 MiB", { ...at(2), bytes: new Uint8Array(4 * 1_048_576 + 1) }, {}, "segment_damaged"],
    ["whose writer could be a path", { ...at(2), writer: "../../../../x" }, {}, "invalid"],
    ["whose run could be a path", { ...at(2), run: "../x" }, {}, "invalid"],
  ])("%s is refused", (_, segment, more, code) => {
    expect(() => judge(segment, { ...known, ...more }, undefined)).toThrow(expect.objectContaining({ code }));
  });

  it("with other bytes under a used name is refused, of equal length and of equal checksum too", () => {
    const conflict = expect.objectContaining({ code: "segment_conflict" });
    expect(() => judge(at(1, "a"), known, heldOf(at(1, "b")))).toThrow(conflict);
    const { crc, length } = heldOf(at(1));
    expect(() => judge(at(1), known, { crc, length: length + 1, placeholder: false })).toThrow(conflict);
  });

  it("of 4 MiB is taken", () => {
    expect(judge({ ...at(2), bytes: new Uint8Array(4 * 1_048_576) }, known, undefined)).toBe("add");
  });
});

describe("the uid of a run", () => {
  const first = (record: object, v = 1): Segment => {
    const segment = encodeSegment({ run, writer: writerOf(0), seq: 0, clock: 1 }, [JSON.stringify(record)]);
    return { ...segment, v };
  };

  it("is told by a first segment or its placeholder, and by no other", () => {
    expect(uidOf(at(0))).toBe(someUid);
    expect(uidOf(placeholderOf({ run, seq: 0 }))).toBe(someUid);
    expect(uidOf(damagedSegment(run, writerOf(0), 0, someUid))).toBe(someUid);
    expect(uidOf(damagedSegment(run, writerOf(0), 1, someUid))).toBeUndefined();
    expect(new TextDecoder().decode(damagedSegment(run, writerOf(0), 1, someUid).bytes)).not.toContain(
      someUid,
    );
    const other = placeholder({ run, writer: writerOf(0), seq: 1, clock: 1 }, "damaged", 0, undefined);
    expect(uidOf(other)).toBeUndefined();
  });

  it("is told by a segment of a newer version where it stands where it always did", () => {
    expect(uidOf(first({ type: "begin", uid: someUid }, 2))).toBe(someUid);
    for (const uid of [undefined, 7, "short", [someUid]])
      expect(uidOf(first({ type: "begin", uid }, 2))).toBeUndefined();
  });

  it("must be told by a segment of this version", () => {
    const label = { type: "label", name: "n", value: "v", time: 1 };
    expect(() => uidOf(first(label))).toThrow(/must be of type 'run', found 'label'/);
  });
});
