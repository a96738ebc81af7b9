import { memoryStore } from "runlog";
import { type Mock, vi } from "vitest";
import { createRecorder, type Recorder } from "../../src/client/recorder.ts";
import { createWriter, type Opened, type Writer, type WriterParts } from "../../src/client/writer.ts";
import type { SegmentRecord } from "../../src/model/records.ts";
import { readRecords, type Segment } from "../../src/model/segment-line.ts";
import type { LocalStore } from "../../src/stores/store.ts";
import { listOf, someUid } from "../contract/segments.ts";

/** One writer on a store in memory that passes for a folder; its timers go off when a test says so. */

export const writerId = "0123456789ab";

export interface Scene {
  /** May be replaced before `write`. */
  store: LocalStore;
  readonly recorder: Recorder;
  /** Each call that appended, with and without waiting. */
  readonly appended: Segment[][];
  readonly saved: Mock<(segments: readonly Segment[]) => void>;
  readonly warn: Mock<(message: string) => void>;
  /** A writer of run `r`, whose clocks are past 5,000. */
  write(more?: Partial<WriterParts>): Writer;
  opened(): Opened;
  /** Records a label. */
  note(text: string): void;
  kept(): Promise<Segment[]>;
  records(): Promise<SegmentRecord[]>;
  /** The labels that are kept. */
  notes(): Promise<string[]>;
  /** Milliseconds of the timers that run. */
  waits(): number[];
  /** How many timers were set so far. */
  timersMade(): number;
  /** Lets the timers that run go off. */
  fire(): void;
}

export function scene(): Scene {
  const timers: { run: () => void; millis: number; active: boolean }[] = [];
  const active = (): typeof timers => timers.filter((timer) => timer.active);
  const memory = memoryStore();
  const first = JSON.stringify({ type: "run", time: 1, uid: someUid, store: "5".repeat(32) });
  const it: Scene = {
    recorder: createRecorder(),
    appended: [],
    saved: vi.fn(),
    warn: vi.fn(),
    store: {
      ...memory,
      kind: "filesystem",
      appendSync(segments) {
        it.appended.push([...segments]);
        memory.appendSync?.(segments);
      },
      append(segments) {
        it.appended.push([...segments]);
        return memory.append(segments);
      },
    },
    opened: () => ({ store: it.store, run: "r", first, clock: 5_000 }),
    write(more) {
      const opened = it.opened();
      return createWriter({
        writer: writerId,
        recorder: it.recorder,
        opened: Promise.resolve(opened),
        openedSync: () => opened,
        rename: () => "r-2",
        now: () => 1_000,
        timer(run, millis) {
          const timer = { run, millis, active: true };
          timers.push(timer);
          return () => {
            timer.active = false;
          };
        },
        saved: it.saved,
        warn: it.warn,
        ...more,
      });
    },
    note: (text) => it.recorder.record({ type: "label", name: "n", value: text, time: 1 }),
    kept: () => listOf(it.store.segments("r")),
    records: async () => (await it.kept()).flatMap((segment) => readRecords(segment)),
    notes: async () =>
      (await it.records()).flatMap((record) => (record.type === "label" ? [record.value] : [])),
    waits: () => active().map(({ millis }) => Math.round(millis)),
    timersMade: () => timers.length,
    fire() {
      for (const timer of active()) {
        timer.active = false;
        timer.run();
      }
    },
  };
  return it;
}
