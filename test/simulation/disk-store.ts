import { isRunlogError, RunlogError } from "../../src/errors.ts";
import type { Position } from "../../src/model/records.ts";
import type { Segment } from "../../src/model/segment-line.ts";
import { checkFollows } from "../../src/stores/memory-ledger.ts";
import type { AsideItem, Ledger, LedgerEntry, LocalStore, Locks, Pause } from "../../src/stores/store.ts";
import type { Clock, Program } from "./clock.ts";
import type { Dice } from "./dice.ts";
import { type Disk, type Op, segmentName, segmentOp } from "./disk.ts";

/** The store of a disk as one program opens it: calls take time, are refused, or are done and then fail. */
export interface Opening {
  readonly clock: Clock;
  readonly dice: Dice;
  readonly disk: Disk;
  /** Whether ids can be looked up and segments written without waiting, as in a folder; not so in IndexedDB. */
  readonly sync: boolean;
  /** Told before anything is written. */
  readonly appends: (segment: Segment) => void;
  readonly ledgers: (run: string, destination: string, entry: LedgerEntry) => void;
  /** A design that must fail: it answers as if it had flushed. */
  readonly early?: boolean;
}

export function openDisk(opening: Opening): LocalStore {
  const { disk, clock } = opening;
  const calls = createCalls(opening);
  const append = createAppend(opening, calls);
  async function* segments(run: string, from?: Position): AsyncGenerator<Segment> {
    await calls.read();
    for await (const segment of disk.seen.segments(run, from)) if (!append.isWriting(segment)) yield segment;
  }
  const store: LocalStore = {
    // Not "indexeddb": a run that begins while its database is shut names another store.
    kind: "filesystem",
    location: disk.name,
    ledger: ledgerOf(opening, calls),
    locks: locksOf(opening),
    id: () => calls.read().then(() => disk.id),
    append: append.append,
    async position(run) {
      await calls.read();
      return append.masked(run, await disk.seen.position(run));
    },
    segments,
    async *runs(query) {
      await calls.read();
      yield* disk.seen.runs(query);
    },
    delete: (run) =>
      calls.change({ name: `delete ${run}`, apply: (seen) => void seen.delete(run) }, () => undefined),
    watch: (run, signal) => disk.seen.watch(run, signal),
    lastWrite: (run, writer) => calls.read().then(() => disk.seen.lastWrite(run, writer)),
    touch: (run, writer) => calls.read().then(() => disk.seen.touch(run, writer)),
    close: async () => undefined,
  };
  if (!opening.sync) return store;
  return {
    ...store,
    idSync: () => disk.id,
    has: (run) => disk.seen.has?.(run) === true,
    appendSync(given) {
      if (clock.current().state !== "running" || calls.refuses())
        throw new RunlogError("storage_unavailable", "no");
      for (const segment of given) append.write(segment);
      for (const segment of given) disk.flush(segmentName(segment));
    },
  };
}

interface Calls {
  refuses(): boolean;
  /** Takes its time, and may be refused. */
  read(): Promise<void>;
  /** Written in the middle of its time; flushed at the end, unless it fails then. */
  change(op: Op, told: () => void): Promise<void>;
  /** A random time. */
  time(): Promise<void>;
  error(): RunlogError;
}

function createCalls({ disk, dice, early }: Opening): Calls {
  const error = (): RunlogError => new RunlogError(disk.trouble.code, `${disk.name} refuses`);
  const calls: Calls = {
    error,
    refuses: () => dice.chance(disk.trouble.refuses),
    // Most reads take no time that matters, and none is refused because a disk is full.
    async read() {
      if (dice.chance(0.3)) await calls.time();
      if (disk.trouble.code !== "storage_full" && calls.refuses()) throw error();
    },
    time: () => new Promise((resolve) => setTimeout(resolve, dice.small(disk.trouble.slow))),
    async change(op, told) {
      await calls.time();
      if (calls.refuses()) throw error();
      disk.write(op);
      if (early !== true) await calls.time();
      if (dice.chance(disk.trouble.fails)) throw error();
      disk.flush(op.name);
      told();
    },
  };
  return calls;
}

interface Append {
  append(segments: readonly Segment[]): Promise<void>;
  write(segment: Segment): void;
  isWriting(segment: Segment): boolean;
  /** Without what is being written: it counts once it is flushed. */
  masked(run: string, position: Position): Position;
}

function createAppend(opening: Opening, calls: Calls): Append {
  const { disk, dice, clock } = opening;
  const number = disk.open();
  const writing = new Map<string, number>();
  const keyOf = (segment: { run: string; writer: string }): string => `${segment.run} ${segment.writer}`;
  const write = (segment: Segment): void => {
    opening.appends(segment);
    disk.write(segmentOp(segment, number));
  };
  const writeAll = (segments: readonly Segment[]): { written: Segment[]; problem?: RunlogError } => {
    const written: Segment[] = [];
    for (const segment of segments) {
      try {
        const key = keyOf(segment);
        if (!disk.isDurable(segment))
          writing.set(key, Math.min(writing.get(key) ?? segment.seq, segment.seq));
        write(segment);
        written.push(segment);
      } catch (error) {
        if (!isRunlogError(error)) throw error;
        return { written, problem: error };
      }
    }
    return { written };
  };
  const flush = (segments: readonly Segment[]): void => {
    for (const segment of segments) disk.flush(segmentName(segment));
  };
  return {
    write,
    async append(segments) {
      await calls.time();
      if (calls.refuses()) throw calls.error();
      // Torn: the writer may be killed anywhere.
      const { written, problem } = writeAll(segments);
      try {
        if (opening.early === true) {
          clock.after(1_500, clock.current(), () => flush(written));
        } else {
          await calls.time();
          if (dice.chance(disk.trouble.fails)) throw calls.error();
          flush(written);
        }
      } finally {
        for (const segment of segments) writing.delete(keyOf(segment));
      }
      if (problem !== undefined) throw problem;
    },
    isWriting: (segment) => segment.seq >= (writing.get(keyOf(segment)) ?? Number.POSITIVE_INFINITY),
    masked: (run, position) =>
      Object.fromEntries(
        Object.entries(position).flatMap(([writer, next]) => {
          const known = Math.min(next, writing.get(keyOf({ run, writer })) ?? next);
          return known === 0 ? [] : [[writer, known]];
        }),
      ),
  };
}

function ledgerOf({ disk, ledgers }: Opening, calls: Calls): Ledger {
  const read = async <T>(body: (ledger: Ledger) => Promise<T>): Promise<T> => {
    await calls.read();
    return body(disk.seen.ledger);
  };
  const nothing = (): void => undefined;
  return {
    read: (run, destination) => read((ledger) => ledger.read(run, destination)),
    aside: (run, destination) => read((ledger) => ledger.aside(run, destination)),
    pause: (destination) => read((ledger) => ledger.pause(destination)),
    async write(run, destination, entry) {
      checkFollows(run, await disk.seen.ledger.read(run, destination), entry);
      ledgers(run, destination, entry);
      const copy = structuredClone(entry);
      const apply: Op["apply"] = ({ ledger }) => void put(ledger, run, destination, copy);
      return calls.change({ name: `ledger ${run} ${destination}`, apply }, nothing);
    },
    setAside(run, destination, item: AsideItem) {
      const name = `aside ${run} ${destination} ${item.writer} ${item.seq} ${item.index}`;
      return calls.change(
        { name, apply: ({ ledger }) => void ledger.setAside(run, destination, item) },
        nothing,
      );
    },
    setPause(destination, pause: Pause | undefined) {
      const apply: Op["apply"] = ({ ledger }) => void ledger.setPause(destination, pause);
      return calls.change({ name: `pause ${destination}`, apply }, nothing);
    },
  };
}

/** Puts an entry whatever it follows: of those before it a power cut may have taken some. */
async function put(ledger: Ledger, run: string, destination: string, entry: LedgerEntry): Promise<void> {
  const version = ((await ledger.read(run, destination))?.version ?? 0) + 1;
  await ledger.write(run, destination, { ...entry, version }).catch(async (error: unknown) => {
    if (!isRunlogError(error, "ledger_moved")) throw error;
    await put(ledger, run, destination, entry);
  });
}

/** Locks that end with their holder, and sometimes tell lies. */
function locksOf({ disk, dice, clock }: Opening): Locks {
  const holderOf = (name: string): Program | undefined => {
    const holder = disk.locks.get(name);
    return holder?.state === "ended" ? undefined : holder;
  };
  return {
    async take(name) {
      const lies = dice.chance(disk.trouble.locks);
      if ((holderOf(name) !== undefined) !== lies) return undefined;
      const mine = clock.current();
      disk.locks.set(name, mine);
      let held = true;
      return () => {
        if (held && disk.locks.get(name) === mine) disk.locks.delete(name);
        held = false;
      };
    },
    held: async (name) => (holderOf(name) !== undefined) !== dice.chance(disk.trouble.locks / 4),
  };
}
