import type { LedgerEntry } from "../../stores/store.ts";
import type { Delivery } from "../../sync/destination.ts";
import type { Mapping } from "./resolve.ts";
import type { Said } from "./said.ts";
import {
  copyTables,
  type Place,
  readState,
  type State,
  stateOfTables,
  type Tables,
  tablesOf,
} from "./state.ts";

/** What the options of `mlflow()` say about every run. */
export interface Settings {
  readonly experiment: string | undefined;
  readonly taskPrefix: boolean;
}

/** One delivery under way. */
export interface Work {
  readonly delivery: Delivery;
  readonly settings: Settings;
  readonly mapping: Mapping;
  /** What was confirmed: this alone is written to the ledger. */
  readonly kept: Tables;
  /** What the batch being made assumes besides. */
  draft: Tables;
  /** writer -> its place, params ahead of the rest. */
  readonly ahead: Map<string, Place>;
  readonly position: Map<string, Place>;
  /** What this delivery says of each param and label. */
  readonly said: Map<string, Said>;
  /** The segments that hold params, as `writer seq`. */
  readonly withParams: Set<string>;
}

/** A delivery as its ledger left it. */
export function startWork(delivery: Delivery, settings: Settings): Work {
  const state = readState(delivery.ledger);
  const kept = tablesOf(state);
  return {
    delivery,
    settings,
    mapping: { taskPrefix: settings.taskPrefix, crc: (text) => delivery.crc(text) },
    kept,
    draft: copyTables(kept),
    ahead: new Map(Object.entries(state.ahead ?? {})),
    position: new Map(Object.entries(delivery.ledger.position)),
    said: new Map(),
    withParams: new Set(),
  };
}

/** The state as the ledger holds it now. */
export function stateOf(work: Work): State {
  return readState(work.delivery.ledger);
}

/** The MLflow id of the run; identity comes before everything that asks for it. */
export function runOf(work: Work): string {
  const { run } = stateOf(work);
  if (run === undefined) throw new Error("an MLflow run was used before it was found");
  return run;
}

/** Writes a change of the state, with the tables as confirmed, and whatever else changed with it. */
export async function note(work: Work, change: State, more: Partial<LedgerEntry> = {}): Promise<void> {
  const state: State = {
    ...stateOf(work),
    ...stateOfTables(work.kept),
    ahead: Object.fromEntries(work.ahead),
    ...change,
  };
  await work.delivery.save({ ...more, state: state as Readonly<Record<string, unknown>> });
}

/** Forgets what was assumed for a batch that is made again. */
export function resetDraft(work: Work): void {
  work.draft = copyTables(work.kept);
}
