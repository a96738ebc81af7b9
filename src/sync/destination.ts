import type { Answer, Call } from "../http/answer.ts";
import type { Position, SegmentRecord } from "../model/records.ts";
import type { Segment } from "../model/segment-line.ts";
import type { AsideItem, LedgerEntry } from "../stores/store.ts";

/**
 * A destination says how runs are carried somewhere: which calls to make for which segments. It holds no state, no
 * timer and no connection: the courier hands it one run's delivery at a time and decides about waiting and retrying.
 */
export interface Destination {
  /** "runlog" or "mlflow"; with the URL's crc it names the ledger. */
  readonly kind: string;
  /** Normalised: no user info, query, hash or end slash. */
  readonly url: string;
  /** Set when the options cannot work (a URL that is not http): reported, never thrown. */
  readonly problem?: Problem;
  readonly credentials: Credentials;
  /** A path under `url` that any such server answers: tells a refused origin from an unreachable server. */
  readonly probe: string;
  /** What its owner must set so that pages of `origin` may write. */
  originAdvice(origin: string): string;
  /** True where observations that were taken back vanish, because segments are kept there and folded. */
  readonly foldsRewinds?: boolean;
  /** Makes the calls that bring one run up to date. Returns at the first answer that is not its to solve. */
  deliver(delivery: Delivery): Promise<Outcome>;
  /** What a person should know about this run there, though nothing is to be done now. */
  notice?(entry: LedgerEntry): string | undefined;
  /** The run's page there, for people, once the ledger knows it. */
  link?(entry: LedgerEntry): string | undefined;
}

/** User name and password beat a token. Functions are asked for each use, and again once after a 401. */
export interface Credentials {
  readonly username?: Secret;
  readonly password?: Secret;
  readonly token?: Secret;
}
export type Secret = string | (() => string | Promise<string>);

/** Why something does not go on, and what a person can do. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly action: string;
}

/**
 * - `done`: all that was here at the start is there.
 * - `retry`: the server may do better later; `afterMs` when it said so.
 * - `pause`: nothing goes there until somebody acts (credentials, wrong server).
 * - `park`: only this run cannot go on there.
 */
export type Outcome =
  | { readonly state: "done" }
  | { readonly state: "retry"; readonly problem: Problem; readonly afterMs?: number }
  | { readonly state: "pause"; readonly problem: Problem }
  | { readonly state: "park"; readonly problem: Problem };

/** One run to carry. Segments come in an order that respects each writer's numbers. */
export interface Delivery {
  readonly run: string;
  readonly uid: string;
  /** True in the store of the run's first writer, which alone sets the run's status there. */
  readonly owner: boolean;
  readonly signal: AbortSignal;
  /** Asks the server whether what was delivered is still there, also when nothing is new. */
  readonly verify?: boolean;
  /** What the ledger holds now; `save` and `setAside` bring it up to date. */
  readonly ledger: LedgerEntry;
  /** Calls the server under the destination's URL with its credentials. Never throws for an answer or its absence. */
  call(request: Call): Promise<Answer>;
  /** Segments of the run in this store from `from` on (default: the ledger's positions). */
  segments(from?: Position): AsyncIterable<Segment>;
  records(segment: Segment): readonly SegmentRecord[];
  /** Notes durably what was confirmed; call it after each confirmed batch. */
  save(change: Partial<LedgerEntry>): Promise<void>;
  /** Keeps an item that the server refuses for good, and counts it. */
  setAside(item: AsideItem): Promise<void>;
  /** The run's state and its whole run log as JSON text, of all segments in this store. */
  fold(): Promise<FoldedRun>;
  /** CRC-32 of a text, 8 hex digits. */
  crc(text: string): string;
}

export interface FoldedRun {
  readonly tag: string | undefined;
  readonly status: "CREATED" | "TRIGGERED" | "PROCESSING" | "SUCCESS" | "FAIL";
  /** The signal that ended it, if one did. */
  readonly signal: string | undefined;
  readonly started: number;
  readonly ended: number | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** The run log in the JSON of magnus, full. */
  json(): string;
}

/** What a destination lacks of what the ledger says it confirmed, by kind: "segments", "metrics", "params". */
export type Differences = Readonly<Record<string, Difference>>;

export interface Difference {
  /** How many there are here. */
  readonly of: number;
  readonly missing: number;
  /** Those that are there with other content. */
  readonly other: number;
  /** Those that are there once too often. */
  readonly twice: number;
}
