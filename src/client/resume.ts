import { RunlogError, ValidationError } from "../errors.ts";
import type { RunRecord, StoredValue } from "../model/records.ts";
import { foldSegments } from "../read/fold.ts";
import type { RunState } from "../read/state.ts";
import type { LocalStore } from "../stores/store.ts";
import { noteHome, openHome } from "./home.ts";
import { withoutLock } from "./liveness.ts";
import { allSegments, type Opening, type RunStart } from "./opening.ts";

/**
 * Goes on with a run as one more writer: one of this store, by its id or its key, or one that began on another host.
 * What the store holds decides; a run that is not here begins here.
 */
export interface ResumeParts {
  readonly store: LocalStore | undefined;
  /** The id to continue, or the id of the new run where `key` finds none. */
  readonly run: string;
  /** Continue the latest run of this key instead. */
  readonly key: string | undefined;
  /** The uid when the run began on another host. */
  readonly joins: string | undefined;
  readonly onParameterChange: "new" | "keep" | "error";
  readonly rewindTo: number | undefined;
  /** Called once it is sure that `run` is continued: cells of this page that had it hand it over; true if any did. */
  readonly takeOver: (store: LocalStore, run: string) => Promise<boolean>;
  readonly start: RunStart;
  /** The code identities. */
  readonly code?: Promise<RunRecord["code"]> | undefined;
  readonly warn: (message: string) => void;
}

/** A writer that is ready to begin, of a new run or of one that goes on. */
export interface Resumed {
  readonly opening: Opening;
  readonly uid: string;
  readonly owner: boolean;
  /** Observations of the run that were tracked before this writer. */
  readonly before: number;
  /** Observations taken back by this writer or an earlier one. */
  readonly superseded: number;
  /** task -> its last step so far. */
  readonly lastSteps: ReadonlyMap<string, number>;
}

/** @throws {ValidationError} when parameters changed and that is an error; `run_id_taken` for another run of that id */
export async function openExisting(parts: ResumeParts): Promise<Resumed> {
  const home = await openHome(parts.store, parts.run, parts.warn);
  const { store, id } = home;
  const found = await foldOf(
    store,
    parts.key === undefined ? parts.run : await latestOfKey(store, parts.key),
  );
  const chosen = found !== undefined && continues(parts, found) ? found : undefined;
  const handedOver = chosen !== undefined && (await parts.takeOver(store, chosen.run));
  const state = handedOver ? await foldOf(store, chosen.run) : chosen;
  const run = state?.run ?? parts.run;
  const uid = state?.uid ?? parts.joins ?? parts.start.uid;
  if (parts.joins !== undefined && uid !== parts.joins) throw otherRun(run);
  const code = await parts.code;
  // Every writer of a store that joined says so: none of them may be taken for the run's first.
  const joined = state === undefined ? parts.joins !== undefined : state.joined;
  const said = { uid, store: id, ...(joined && { joined }) };
  const record: RunRecord = {
    ...parts.start,
    ...(code !== undefined && { code }),
    ...(state !== undefined && (await continuing(store, id, state, parts.rewindTo))),
    ...said,
  };
  const opened = { store, run, first: JSON.stringify(record), clock: (state?.clock ?? 0) + 1 };
  const opening: Opening = {
    opened: Promise.resolve(opened),
    openedSync: () => opened,
    rename: () => run,
    run,
    renamedFrom: undefined,
    get problem() {
      return home.problem;
    },
    kept: () => noteHome(home),
    again: (now) => ({ ...parts.start, ...said, time: now }),
  };
  const owner = !joined && (state === undefined || state.store === id);
  return {
    opening,
    uid,
    owner,
    before: (state?.observations ?? 0) + (state?.superseded ?? 0),
    superseded: (state?.superseded ?? 0) + takenBack(state, parts.rewindTo),
    lastSteps: lastSteps(state, parts.rewindTo),
  };
}

/** Whether the run that was found is the one to continue. */
function continues(parts: ResumeParts, state: RunState): boolean {
  if (parts.key === undefined) return true;
  if (state.finished && state.status !== "PROCESSING") return false;
  const changed = changedParameters(state, parts.start.parameters);
  if (changed.length === 0 || parts.onParameterChange === "keep") return true;
  if (parts.onParameterChange === "new") return false;
  const names = changed.map((name) => `'${name}'`).join(", ");
  throw new ValidationError(
    "parameters",
    `differ from those of run '${state.run}' in ${names}; it was not continued`,
  );
}

/** The parameters that differ from the run's latest ones; none when the caller gave none. */
function changedParameters(state: RunState, given: RunStart["parameters"]): string[] {
  if (given === undefined) return [];
  const latest = new Map(state.parameters);
  for (const { name, stored } of state.changes) latest.set(name, stored);
  const names = new Set([...latest.keys(), ...Object.keys(given)]);
  return [...names].filter((name) => canonical(latest.get(name)) !== canonical(given[name]));
}

function canonical(stored: StoredValue | undefined): string {
  const sorted = (_: string, value: unknown): unknown =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
      : value;
  return JSON.stringify([stored === undefined, stored?.json, stored?.meta], sorted);
}

async function latestOfKey(store: LocalStore, key: string): Promise<string | undefined> {
  for await (const summary of store.runs())
    if (summary.key === key) return summary.released ? undefined : summary.run;
  return undefined;
}

async function foldOf(store: LocalStore, run: string | undefined): Promise<RunState | undefined> {
  return run === undefined ? undefined : foldSegments(await allSegments(store, run));
}

/** What a further writer says of a run that it continues: what it saw, who had ended, what it takes back. */
async function continuing(
  store: LocalStore,
  id: string,
  state: RunState,
  rewindTo: number | undefined,
): Promise<Partial<RunRecord>> {
  const mine = state.participants.filter((each) => each.store === id);
  return {
    seen: await store.position(state.run),
    ended: await withoutLock(store, mine),
    ...(rewindTo !== undefined && { rewindTo }),
  };
}

function takenBack(state: RunState | undefined, rewindTo = Number.POSITIVE_INFINITY): number {
  let count = 0;
  for (const { columns } of state?.tasks.values() ?? []) {
    for (const { step } of columns.values()) for (const each of step) if (each >= rewindTo) count += 1;
  }
  return count;
}

function lastSteps(state: RunState | undefined, rewindTo = Number.POSITIVE_INFINITY): Map<string, number> {
  const last = new Map<string, number>();
  for (const { name, columns } of state?.tasks.values() ?? []) {
    for (const { step } of columns.values()) {
      for (const each of step)
        if (each < rewindTo && each > (last.get(name) ?? -Infinity)) last.set(name, each);
    }
  }
  return last;
}

function otherRun(run: string): RunlogError {
  return new RunlogError(
    "run_id_taken",
    `run '${run}' is in this store already and has another uid; leave runId out, or use another store`,
  );
}
