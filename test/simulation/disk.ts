import { memoryStore } from "runlog";
import { isRunlogError } from "../../src/errors.ts";
import { toHex } from "../../src/model/run-id.ts";
import type { Segment } from "../../src/model/segment-line.ts";
import type { LedgerEntry, LocalStore } from "../../src/stores/store.ts";
import type { Program } from "./clock.ts";
import type { Dice } from "./dice.ts";

/**
 * What one machine keeps. All that was written is visible to every program of the machine, also after a crash of the
 * writer; after a power cut only what was flushed is sure to be there, and of the rest some is and some is not.
 */
export interface Disk {
  readonly name: string;
  /** The store's id. */
  readonly id: string;
  /** As it is seen now; a new one after each power cut. */
  readonly seen: LocalStore;
  /** lock -> its holder. */
  readonly locks: Map<string, Program>;
  trouble: Trouble;
  /** Writes without flushing. */
  write(op: Op): void;
  /** What was written under this name is flushed. */
  flush(name: string): void;
  /** Whether a segment is here for good. */
  isDurable(segment: Segment): boolean;
  /** writer -> its next number among what is here for good. */
  durableNext(run: string, writer: string): number;
  powerCut(dice: Dice): void;
  /** A number for one more process that opens it. */
  open(): number;
}

/** How the disk behaves. */
export interface Trouble {
  /** Milliseconds that one call may take. */
  readonly slow: number;
  /** Parts of the calls that are refused before, or fail after, they were done. */
  readonly refuses: number;
  readonly fails: number;
  readonly code: "storage_full" | "storage_unavailable";
  /** Part of the locks that are given though held, or refused though free. */
  readonly locks: number;
}

export const healthy: Trouble = {
  slow: 4,
  refuses: 0,
  fails: 0,
  code: "storage_unavailable",
  locks: 0,
};

/** One change. Those of one name replace each other. */
export interface Op {
  readonly name: string;
  readonly apply: (store: LocalStore) => void;
  readonly segment?: Segment;
  /** Where it is written; a flush covers all that is in the file. */
  readonly file?: string;
  readonly ledger?: { readonly run: string; readonly destination: string; readonly entry: LedgerEntry };
}

interface Kept extends Op {
  durable: boolean;
}

export interface DiskHooks {
  /** A segment is here for good. */
  kept(disk: Disk, segment: Segment): void;
  /** A design that must fail: what it adds to the segments that are left after a power cut. */
  readonly recovers?: (segments: readonly Segment[]) => Segment[];
}

/** @param opening whose files it goes to: no two processes append to one */
export function segmentOp(segment: Segment, opening = 0): Op {
  const { run, writer } = segment;
  return {
    name: segmentName(segment),
    file: `${opening} ${run} ${writer}`,
    segment,
    apply: (store) => store.appendSync?.([segment]),
  };
}

export function segmentName({ run, writer, seq, crc }: Segment): string {
  return `segment ${run} ${writer} ${seq} ${crc}`;
}

export function createDisk(name: string, hooks: DiskHooks): Disk {
  const id = toHex(crypto.getRandomValues(new Uint8Array(16)));
  let seen = memoryStore();
  let opened = 0;
  let ops = new Map<string, Kept[]>();
  const next = new Map<string, number>();
  /** file -> what waits in it for a flush. */
  const unflushed = new Map<string, Set<string>>();

  const noteDurable = (op: Kept): void => {
    op.durable = true;
    const { segment } = op;
    if (segment === undefined) return;
    const key = `${segment.run} ${segment.writer}`;
    next.set(key, Math.max(next.get(key) ?? 0, segment.seq + 1));
    hooks.kept(disk, segment);
  };
  const disk: Disk = {
    name,
    id,
    get seen() {
      return seen;
    },
    locks: new Map(),
    trouble: healthy,
    write(op) {
      op.apply(seen);
      const before = ops.get(op.name) ?? [];
      // What is flushed already stays until this is; a segment is written once.
      if (op.segment !== undefined && before.length > 0) return;
      if (op.file !== undefined) unflushed.set(op.file, (unflushed.get(op.file) ?? new Set()).add(op.name));
      ops.delete(op.name);
      ops.set(op.name, [...before.filter((each) => each.durable).slice(-1), { ...op, durable: false }]);
    },
    flush(opName) {
      const file = ops.get(opName)?.at(-1)?.file ?? "";
      const names = unflushed.get(file) ?? [opName];
      unflushed.delete(file);
      for (const each of names) {
        const last = ops.get(each)?.at(-1);
        if (last === undefined || last.durable) continue;
        ops.set(each, [last]);
        noteDurable(last);
      }
    },
    isDurable: (segment) => ops.get(segmentName(segment))?.at(-1)?.durable === true,
    open: () => ++opened,
    durableNext: (run, writer) => next.get(`${run} ${writer}`) ?? 0,
    powerCut(dice) {
      const lost = [...ops.values()].flat().filter((op) => !op.durable && dice.chance(0.5));
      const left = [...ops.values()].flatMap((each) => each.filter((op) => !lost.includes(op)).slice(-1));
      const more = hooks.recovers?.(left.flatMap(({ segment }) => (segment === undefined ? [] : [segment])));
      const again: Op[] = [...left, ...(more ?? []).map((each) => segmentOp(each))];
      ops = new Map();
      unflushed.clear();
      seen = memoryStore();
      for (const op of again) {
        if (!applies(op, seen)) continue;
        const kept = { ...op, durable: true };
        ops.set(op.name, [kept]);
        noteDurable(kept);
      }
    },
  };
  return disk;
}

/** False for what follows something that was lost. */
function applies(op: Op, store: LocalStore): boolean {
  try {
    op.apply(store);
    return true;
  } catch (error) {
    if (isRunlogError(error)) return false;
    throw error;
  }
}
