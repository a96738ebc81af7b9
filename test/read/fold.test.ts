import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { placeholder, type Segment } from "../../src/model/segment-line.ts";
import { foldSegments } from "../../src/read/fold.ts";
import { runLogJson } from "../../src/read/run-log.ts";
import { rowsOf, seriesOf } from "../../src/read/series.ts";
import type { RunState } from "../../src/read/state.ts";
import { summarize } from "../../src/read/summary.ts";
import { finish, metrics, observe, run, runId, segment, t0, task, uid, writerName } from "./segments.ts";

function fold(...segments: Segment[]): RunState {
  const state = foldSegments(segments);
  if (state === undefined) throw new Error("no run in these segments");
  return state;
}

/** Records of every type but `lost`, in any order that a writer could have written. */
const anyRecord: fc.Arbitrary<object> = fc.oneof(
  fc
    .record({
      key: fc.constantFrom("loss", "accuracy", "0", "__proto__"),
      step: fc.integer({ min: -2, max: 6 }),
      value: fc.oneof(fc.double(), fc.string(), fc.constant(null), fc.constant(10n)),
      task: fc.constantFrom("main", "evaluate"),
      attempt: fc.integer({ min: 1, max: 3 }),
      time: fc.integer({ min: t0, max: t0 + 100 }),
    })
    .map(observe),
  fc
    .record({
      name: fc.constantFrom("main", "evaluate"),
      status: fc.constantFrom("PROCESSING" as const, "SUCCESS" as const, "FAIL" as const),
      attempt: fc.integer({ min: 1, max: 3 }),
      time: fc.integer({ min: t0, max: t0 + 100 }),
    })
    .map(({ name, status, attempt, time }) => task(name, status, { attempt, time })),
  fc.constantFrom("a", "b").map((json) => ({ type: "parameter", name: "lr", time: t0, json })),
  fc.constantFrom("", "x", "y").map((value) => ({ type: "label", name: "team", value, time: t0 })),
  fc.constantFrom("SUCCESS" as const, "FAIL" as const).map((status) => finish(status)),
  fc.constant({ type: "of tomorrow", answer: 42 }),
);

/** The segments of up to four writers whose clocks jump and collide; later writers end and rewind earlier ones. */
const anySegments: fc.Arbitrary<Segment[]> = fc
  .array(
    fc.record({
      segments: fc.array(fc.array(anyRecord, { maxLength: 5 }), { minLength: 1, maxLength: 4 }),
      jumps: fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 4, maxLength: 4 }),
      from: fc.integer({ min: -10_000, max: 10_000 }),
      rewindTo: fc.option(fc.integer({ min: -1, max: 5 }), { nil: undefined }),
      ends: fc.boolean(),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((writers) =>
    writers.flatMap(({ segments, jumps, from, rewindTo, ends }, number) => {
      const before = writers.slice(0, number);
      const seen = Object.fromEntries(
        before.map((other, index) => [writerName(index), other.segments.length]),
      );
      const first = run({
        parameters: { lr: { json: number } },
        seen,
        ...(rewindTo !== undefined && { rewindTo }),
        ...(ends && { ended: Object.keys(seen) }),
      });
      let clock = t0 + from;
      return segments.map((records, seq) => {
        clock += jumps[seq] as number;
        return segment(number, seq, seq === 0 ? [first, ...records] : records, clock);
      });
    }),
  );

const anyArrival = anySegments.chain((segments) =>
  fc.record({
    segments: fc.constant(segments),
    shuffled: fc.shuffledSubarray(segments, { minLength: segments.length, maxLength: segments.length }),
    again: fc.subarray(segments),
  }),
);

describe("the fold", () => {
  test("does not depend on the order of arrival nor on repeats", () =>
    fc.assert(
      fc.property(anyArrival, ({ segments, shuffled, again }) => {
        const expected = fold(...segments);
        const arrived = fold(...again, ...shuffled, ...again);
        expect(arrived).toEqual(expected);
        expect(runLogJson(arrived)).toBe(runLogJson(expected));
        expect([...arrived.tasks.keys()]).toEqual([...expected.tasks.keys()]);
      }),
      { numRuns: 300 },
    ));

  test("keeps every observation that nothing supersedes, in the order of each key", () =>
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom("a", "b"), fc.double()), { maxLength: 60 }),
        (tracked) => {
          const records = tracked.map(([key, value], step) => observe({ key, step, value }));
          const rows = rowsOf(
            fold(segment(1, 0, [run(), ...records.slice(0, 20)]), segment(1, 1, records.slice(20))),
          );
          for (const key of ["a", "b"]) {
            const mine = tracked.flatMap(([name, value], step) => (name === key ? [{ step, value }] : []));
            expect(rows.filter((row) => row.key === key).map(({ step, value }) => ({ step, value }))).toEqual(
              mine,
            );
          }
        },
      ),
    ));

  test("is nothing without a run record", () => {
    expect(foldSegments([])).toBeUndefined();
    expect(foldSegments([segment(1, 1, [metrics("loss", [1])])])).toBeUndefined();
  });

  test("takes the first thing said: tag, key, owner, model, host, code and parameters", () => {
    const first = {
      tag: "one",
      parameters: { lr: { json: 0.1 } },
      model: { m: 1 },
      host: { name: "node" },
      code: [{}],
    };
    const second = {
      tag: "two",
      key: "cell",
      owner: "ann",
      parameters: { lr: { json: 0.2 }, extra: { json: 1 } },
    };
    const state = fold(
      segment(2, 0, [run({ ...second, model: 2, host: 2, code: [] })], t0 + 9),
      segment(1, 0, [run(first)], t0 + 1),
      segment(1, 1, [{ type: "parameter", name: "lr", json: 0.2, time: t0 + 30 }], t0 + 20),
    );
    expect(state).toMatchObject({
      tag: "one",
      key: "cell",
      owner: "ann",
      ...{ model: { m: 1 }, host: { name: "node" } },
    });
    expect(state.code).toEqual([{}]);
    expect(summarize(state).parameters).toEqual({ lr: 0.1, extra: 1 });
    // Said again with the latest value it is no change.
    expect(state.changes).toEqual([{ name: "lr", stored: { json: 0.2 }, time: t0 }]);
  });

  test("takes the last text of a label; an empty one removes it", () => {
    const label = (name: string, value: string): object => ({ type: "label", name, value, time: t0 });
    const records = [run({ labels: { team: "red", gone: "x" } }), label("team", "blue"), label("gone", "")];
    expect(summarize(fold(segment(1, 0, records))).labels).toEqual({ team: "blue" });
  });

  test("joins the destinations of all writers", () => {
    const [a, b] = [
      { kind: "mlflow", url: "http://a" },
      { kind: "runlog", url: "http://b" },
    ];
    const state = fold(
      segment(1, 0, [run({ destinations: [a, b] })]),
      segment(2, 0, [run({ destinations: [b] })], t0 + 5),
    );
    expect(state.destinations).toEqual([a, b]);
  });

  test("names the store of the writer that began the run, not of one that joined with an earlier clock", () => {
    const guest = segment(1, 0, [run({ store: "guest", joined: true })], t0);
    const host = segment(2, 0, [run({ store: "host" })], t0 + 60);
    expect(fold(guest, host)).toMatchObject({ store: "host", joined: false });
    expect(fold(guest)).toMatchObject({ store: "guest", joined: true });
  });

  test("goes on past a segment whose records are wrong, and counts it as lost", () => {
    const state = fold(
      segment(1, 0, [run()]),
      segment(1, 1, [
        { type: "metrics", task: "main", keys: ["a"], key: [7], step: [0], time: [0], value: [1] },
      ]),
      segment(1, 2, [metrics("loss", [1, 2])]),
    );
    expect(state.lost).toEqual([expect.objectContaining({ writer: writerName(1), seq: 1, count: 0 })]);
    expect(state.lost[0]?.reason).toContain("record 'metrics'");
    expect(state.observations).toBe(2);
  });

  test("a true segment goes before its placeholder, whichever came first", () => {
    const start = segment(1, 0, [run()]);
    const real = segment(1, 1, [metrics("loss", [1, 2, 3])]);
    const gap = placeholder(real, "damaged", 3);
    for (const order of [
      [start, real, gap],
      [gap, start, real],
    ])
      expect(fold(...order).lost).toEqual([]);
    expect(fold(start, gap).lost).toEqual([{ writer: writerName(1), seq: 1, reason: "damaged", count: 3 }]);
  });

  test("a placeholder for the first segment still tells which run it is, and that its writer began", () => {
    const gap = placeholder({ run: runId, writer: writerName(1), seq: 0, clock: t0 }, "damaged", 1, uid);
    const rest = segment(1, 1, [metrics("loss", [1])]);
    expect(fold(gap, rest)).toMatchObject({ uid, store: "", status: "PROCESSING", observations: 1 });
    expect(fold(gap, rest, segment(1, 2, [finish()])).status).toBe("SUCCESS");
    expect(fold(gap, rest, segment(2, 0, [run(), finish()], t0 + 9)).status).toBe("PROCESSING");
  });

  test("counts records of types to come", () => {
    expect(fold(segment(1, 0, [run(), { type: "of tomorrow" }])).unknown).toBe(1);
  });
});

describe("rewinding", () => {
  const before = segment(1, 0, [run(), metrics("loss", [0, 1, 2, 3]), metrics("only", [9], 3)], t0);
  const later = segment(1, 1, [observe({ key: "loss", step: 4, value: 44 })], t0 + 9_000);
  const again = run({ rewindTo: 2, seen: { [writerName(1)]: 1 } });
  const rewound = segment(2, 0, [again, metrics("loss", [20, 30], 2)], t0 + 5_000);

  test("supersedes the observations at and past the step that the writer had seen, and no others", () => {
    const state = fold(before, later, rewound);
    expect(seriesOf(state, "loss").step).toEqual(Float64Array.of(0, 1, 2, 3, 4));
    expect(seriesOf(state, "loss").value).toEqual(Float64Array.of(0, 1, 20, 30, 44));
    expect(state.observations).toBe(5);
  });

  test("takes keys that lost everything out of rows, summary and run log", () => {
    const state = fold(before, rewound);
    expect(() => seriesOf(state, "only")).toThrow("it has loss");
    expect(rowsOf(state).map((row) => row.key)).not.toContain("only");
    expect(Object.keys(summarize(state).metrics)).toEqual(["loss"]);
    expect(runLogJson(state)).not.toContain("only");
  });
});
