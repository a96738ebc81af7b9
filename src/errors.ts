/**
 * Every error that runlog throws or rejects with. `code` is stable and meant for programs; `message` says what
 * was wanted, what was found and what to do. Errors are branded through `Symbol.for`, so that two copies of the
 * library in one page recognise each other's.
 */

const brand = Symbol.for("runlog.error");

export type ErrorCode =
  | "invalid"
  | "ledger_moved"
  | "not_found"
  | "run_closed"
  | "run_deleted"
  | "run_id_taken"
  | "run_released"
  | "segment_conflict"
  | "segment_damaged"
  | "segment_gap"
  | "storage_full"
  | "storage_unavailable"
  | "unreachable";

export class RunlogError extends Error {
  override readonly name: string = "RunlogError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** The caller passed something that cannot be tracked. Nothing was stored. */
export class ValidationError extends RunlogError {
  override readonly name = "ValidationError";
  /** The key, option or argument that is wrong. */
  readonly key: string;
  /** The rule that it broke, without the value. */
  readonly rule: string;

  constructor(key: string, rule: string, options?: { cause?: unknown }) {
    super("invalid", `${describeKey(key)} ${rule}`, options);
    this.key = key;
    this.rule = rule;
  }
}

/** Two different segments carry the same name (run, writer, seq). The stored one stays. */
export class SegmentConflict extends RunlogError {
  override readonly name = "SegmentConflict";

  constructor(run: string, writer: string, seq: number) {
    super(
      "segment_conflict",
      `segment ${seq} of writer ${writer} in run '${run}' is stored already with other bytes; the stored one was kept`,
    );
  }
}

/** A segment came before its predecessors. `next` holds the numbers that the store waits for. */
export class SegmentGap extends RunlogError {
  override readonly name = "SegmentGap";
  readonly next: Readonly<Record<string, number>>;

  constructor(run: string, writer: string, seq: number, next: Readonly<Record<string, number>>) {
    super(
      "segment_gap",
      `segment ${seq} of writer ${writer} in run '${run}' came too early: the store waits for ${next[writer] ?? 0}`,
    );
    this.next = next;
  }
}

/** True for any error of runlog, of this or another copy of it; with `code`, only for that one. */
export function isRunlogError(error: unknown, code?: ErrorCode): error is RunlogError {
  if (typeof error !== "object" || error === null || !(brand in error)) return false;
  return code === undefined || (error as { code?: unknown }).code === code;
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function describeKey(key: string): string {
  return key.length > 80 ? `'${key.slice(0, 80)}…'` : `'${key}'`;
}
