import type { Position } from "../model/records.ts";
import { checkRunId, toHex } from "../model/run-id.ts";
import type { Segment } from "../model/segment-line.ts";
import { memoryLedger } from "./memory-ledger.ts";
import { heldOf, judge, uidOf } from "./rules.ts";
import type { LocalStore, Locks } from "./store.ts";
import { createSummaries } from "./summaries.ts";
import { createHints, watchChanges } from "./watch.ts";

/** A store in this process's memory: what is in it ends with the process. */

interface Run {
  uid: string | undefined;
  deleted: boolean;
  /** Grows with every change. */
  version: number;
  readonly writers: Map<string, Segment[]>;
  /** writer -> when it last wrote or touched. */
  readonly lastWrite: Map<string, number>;
}

/** A new, empty store. Two of them share nothing. */
export function memoryStore(): LocalStore {
  const runs = new Map<string, Run>();
  const hints = createHints();
  const storeId = toHex(crypto.getRandomValues(new Uint8Array(16)));
  const { ledger, forget } = memoryLedger();

  const append = (segments: readonly Segment[]): void => {
    for (const segment of segments) if (appendTo(runs, segment)) hints.emit(segment.run);
  };
  async function* segments(run: string, from: Position = {}): AsyncGenerator<Segment> {
    for (const [writer, all] of writersOf(runs, run)) yield* all.slice(from[writer] ?? 0);
  }
  const versions = async (): Promise<Map<string, string>> =>
    new Map([...runs].filter(([, run]) => !run.deleted).map(([name, run]) => [name, String(run.version)]));

  return {
    kind: "memory",
    location: "memory",
    ledger,
    locks: memoryLocks(),
    segments,
    runs: createSummaries({ versions, segments }),
    appendSync: append,
    id: async () => storeId,
    has: (run) => runs.has(checkRunId(run)),
    append: async (given) => append(given),
    position: async (run) => positionOf(writersOf(runs, run)),
    async delete(run) {
      const version = (runs.get(checkRunId(run))?.version ?? 0) + 1;
      runs.set(run, { uid: undefined, deleted: true, version, writers: new Map(), lastWrite: new Map() });
      forget(run);
      hints.emit(run);
    },
    watch: (run, signal) => watchChanges({ hints }, run, signal),
    lastWrite: async (run, writer) => runs.get(checkRunId(run))?.lastWrite.get(writer),
    async touch(run, writer) {
      const lastWrite = runs.get(checkRunId(run))?.lastWrite;
      if (lastWrite?.has(writer)) lastWrite.set(writer, Date.now());
    },
    close: async () => hints.close(),
  };
}

/** True when the segment changed the run. */
function appendTo(runs: Map<string, Run>, segment: Segment): boolean {
  const run: Run = runs.get(checkRunId(segment.run)) ?? {
    uid: undefined,
    deleted: false,
    version: 0,
    writers: new Map(),
    lastWrite: new Map(),
  };
  const all = run.writers.get(segment.writer) ?? [];
  const held = all[segment.seq];
  const known = { deleted: run.deleted, uid: run.uid, next: positionOf(run.writers) };
  if (judge(segment, known, held && heldOf(held)) === "skip") return false;
  all[segment.seq] = segment;
  run.writers.set(segment.writer, all);
  run.lastWrite.set(segment.writer, Date.now());
  run.uid ??= uidOf(segment);
  run.version += 1;
  runs.set(segment.run, run);
  return true;
}

function writersOf(runs: ReadonlyMap<string, Run>, run: string): [string, Segment[]][] {
  const writers = runs.get(checkRunId(run))?.writers ?? new Map<string, Segment[]>();
  return [...writers].sort(([one], [other]) => (one < other ? -1 : 1));
}

function positionOf(writers: Iterable<readonly [string, Segment[]]>): Position {
  return Object.fromEntries(Array.from(writers, ([writer, all]) => [writer, all.length]));
}

function memoryLocks(): Locks {
  const taken = new Set<string>();
  return {
    async take(name) {
      if (taken.has(name)) return undefined;
      taken.add(name);
      let mine = true;
      return () => {
        if (mine) taken.delete(name);
        mine = false;
      };
    },
    held: async (name) => taken.has(name),
  };
}
