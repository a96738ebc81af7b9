import type { Position } from "../model/records.ts";
import type { Segment } from "../model/segment-line.ts";
import type { RunQuery } from "../read/query.ts";
import type { RunSummary } from "../read/summary.ts";

/**
 * A store keeps segments. The rules, which `test/contract/store.ts` holds every implementation to:
 *
 * - A segment is named by (run, writer, seq); seq is contiguous from 0 for each writer.
 * - `append` resolves only when every segment of the call is durable here. It applies them in order and stops at the
 *   first problem; those before it stay. A segment that is here already is skipped. Other bytes under its name are a
 *   `SegmentConflict`, save that a true segment replaces its placeholder and a placeholder replaces nothing. A segment
 *   past the next number is a `SegmentGap`. A run that was deleted here refuses with `run_deleted`.
 * - Bytes come out as they went in. A segment that can no longer be read comes out as a placeholder, reason "damaged",
 *   the same one at each reading; the true one may be appended again.
 * - An id names one run: the first segment of a writer (seq 0) tells its uid, and another uid is `run_id_taken`.
 * - A local store in a page may release the segments of a run that ended and that every destination it names has whole,
 *   when there is no other room: they come out as placeholders, reason "released" and the URLs, and the true ones may be
 *   appended again. The run is listed as before, marked `released`.
 * - Reading a run that is not here is an empty position, no segments, and no error.
 */
export interface Store {
  append(segments: readonly Segment[]): Promise<void>;
  /** writer -> next number, for all writers of the run. */
  position(run: string): Promise<Position>;
  /** Per writer by number, each writer from `from[writer] ?? 0`. */
  segments(run: string, from?: Position): AsyncIterable<Segment>;
  /** Newest first unless `query.sort` says otherwise. */
  runs(query?: RunQuery): AsyncIterable<RunSummary>;
  /** Removes the run and leaves a tombstone: its writers are refused from then on. */
  delete(run: string): Promise<void>;
  /**
   * Yields once at the start and whenever the run (any run when undefined) may have changed, until `signal` aborts.
   * A hint: it may yield for nothing, and polling is the truth.
   */
  watch(run: string | undefined, signal: AbortSignal): AsyncIterable<void>;
  /** Frees handles. What was appended stays. */
  close(): Promise<void>;
}

/**
 * A store on this machine, which a run writes to first: beside segments it keeps a ledger for each destination, and
 * locks that end with their holder.
 */
export interface LocalStore extends Store {
  readonly kind: "memory" | "indexeddb" | "filesystem";
  /** Where it is, for people: a folder, a database, "memory". */
  readonly location: string;
  /** Runs that this instance released to make room, all delivered before; absent where that never happens. */
  readonly released?: readonly string[];
  /** Opens it; the random id made with the store. Every other method opens it as well. */
  id(): Promise<string>;
  /** `id()` without waiting, for the hook at a process's exit; absent where only waiting can tell. */
  idSync?(): string;
  /** Whether the id is taken here, also by a deleted run, told at once; absent where only waiting can tell. */
  has?(run: string): boolean;
  /** `append` without waiting, for the hook at a process's exit; absent where nothing can be written then. */
  appendSync?(segments: readonly Segment[]): void;
  /** Milliseconds since 1970 at which the writer last wrote or touched its lease; undefined when unknown here. */
  lastWrite(run: string, writer: string): Promise<number | undefined>;
  /** Tells the others that the writer lives though it writes nothing. */
  touch(run: string, writer: string): Promise<void>;
  readonly ledger: Ledger;
  readonly locks: Locks;
}

/** What a courier remembers about one run and one destination. */
export interface LedgerEntry {
  /** As in the destination: normalised, without secrets. */
  readonly url: string;
  /** writer -> [next segment, items of it already confirmed]. */
  readonly position: Readonly<Record<string, readonly [seq: number, offset: number]>>;
  /** Observations confirmed there, and set aside. */
  readonly delivered: number;
  readonly setAside: number;
  /** The destination's own memory: ids there, names used, status sent. */
  readonly state: Readonly<Record<string, unknown>>;
  /** Set when this run cannot go there until a person acts; `sync` asks again. */
  readonly parked?: { readonly code: string; readonly message: string; readonly action: string };
  /** True once all that is here is there, the run's end included; a new segment opens it again. */
  readonly complete?: boolean;
  /** One more than that of the entry which it replaces; a first one has 1, or none. */
  readonly version?: number;
}

/** A record that a destination refused for good, kept with the server's words. */
export interface AsideItem {
  readonly writer: string;
  readonly seq: number;
  /** Its number among the segment's items. */
  readonly index: number;
  readonly reason: string;
  readonly item: unknown;
}

/** What the couriers of a store agree on while a destination fails: whoever is next waits as well. */
export interface Pause {
  /** Tries that failed in a row, whoever made them. */
  readonly failures: number;
  /** Milliseconds since 1970 of the last try, and of the next one. */
  readonly since: number;
  readonly until: number;
  readonly problem: { readonly code: string; readonly message: string; readonly action: string };
}

/** Per run and destination (`<kind>-<crc of url>`). Writes are durable when they resolve. */
export interface Ledger {
  read(run: string, destination: string): Promise<LedgerEntry | undefined>;
  /**
   * Rejects with `ledger_moved` unless the entry's version follows the kept one's: of two couriers that took each other
   * for dead, one stops there instead of undoing what the other noted.
   */
  write(run: string, destination: string, entry: LedgerEntry): Promise<void>;
  setAside(run: string, destination: string, item: AsideItem): Promise<void>;
  aside(run: string, destination: string): Promise<AsideItem[]>;
  /** The pause of a destination, for all runs; undefined while nothing fails. */
  pause(destination: string): Promise<Pause | undefined>;
  setPause(destination: string, pause: Pause | undefined): Promise<void>;
}

/**
 * Locks that end with their holder: Web Locks in pages, an address that the kernel frees in Node. They save work and
 * tell who lives; nothing is lost or doubled where they fail.
 */
export interface Locks {
  /**
   * Takes the lock if it is free; gives what lets it go, or undefined when somebody holds it.
   * @param lost called when it was lost: this page was put to sleep, or others took it for silent
   * @param fromSilent takes it also from a holder that shows no sign of life
   */
  take(name: string, lost?: () => void, fromSilent?: boolean): Promise<(() => void) | undefined>;
  /** Whether somebody holds it now, this process included. */
  held(name: string): Promise<boolean>;
}
