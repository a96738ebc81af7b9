import { isRunlogError, messageOf, RunlogError } from "../errors.ts";
import type { RunRecord } from "../model/records.ts";
import type { Segment } from "../model/segment-line.ts";
import { memoryStore } from "../stores/memory.ts";
import type { LocalStore } from "../stores/store.ts";
import type { Opened } from "./writer.ts";

/**
 * Opens the store behind a run and settles what its first record says. A new run starts at once and opens behind its
 * first calls; where the store cannot be opened the run goes on in memory, and says so.
 */

/** What is known of the run record before the store is open. */
export type RunStart = Omit<RunRecord, "store" | "seen" | "ended" | "rewindTo" | "joined">;

export interface Opening {
  readonly opened: Promise<Opened>;
  openedSync(): Opened | undefined;
  rename(): string;
  /** The run's id; another than asked for when that was taken. */
  readonly run: string;
  readonly renamedFrom: string | undefined;
  /** Why the run is in memory only. */
  readonly problem: string | undefined;
  /** The writer's run record again, for a writer that was taken for dead. */
  again(now: number): RunRecord | undefined;
}

export interface OpeningParts {
  readonly store: LocalStore | undefined;
  readonly run: string;
  /** Whether the caller chose the id. */
  readonly chosen: boolean;
  readonly start: RunStart;
  /** The code identities; the first record waits for them. */
  readonly code: Promise<RunRecord["code"]> | undefined;
  readonly warn: (message: string) => void;
}

/** @throws {RunlogError} `run_id_taken` when the caller's id is in the store and the store can tell at once. */
export function openNew(parts: OpeningParts): Opening {
  const { start } = parts;
  let run = parts.run;
  let problem: string | undefined;
  let record: RunRecord | undefined;
  let code: RunRecord["code"];
  if (parts.chosen && parts.store?.has?.(run) === true) throw taken(run, parts.store);

  const opening = async (): Promise<Opened> => {
    const [store, id] = await openOrMemory(parts.store, (why) => {
      problem = why;
      parts.warn(`runlog keeps this run in memory only: ${why}`);
    });
    code = await parts.code;
    if (store.has === undefined && Object.keys(await store.position(run)).length > 0) rename();
    return first(store, id);
  };
  const first = (store: LocalStore, id: string): Opened => {
    record = { ...start, ...(code !== undefined && { code }), store: id };
    return { store, run, first: JSON.stringify(record), clock: 0 };
  };
  const rename = (): string => {
    run = `${parts.run.slice(0, 123)}-${start.uid.slice(0, 4)}`;
    return run;
  };

  return {
    opened: opening(),
    openedSync: () => {
      const id = parts.store?.idSync?.();
      return parts.store === undefined || id === undefined ? undefined : first(parts.store, id);
    },
    rename,
    get run() {
      return run;
    },
    get renamedFrom() {
      return run === parts.run ? undefined : parts.run;
    },
    get problem() {
      return problem;
    },
    again: (now) => record && { ...record, time: now },
  };
}

/** The store if it opens, else memory and a word why. */
export async function openOrMemory(
  wanted: LocalStore | undefined,
  fellBack: (why: string) => void,
): Promise<[store: LocalStore, id: string]> {
  if (wanted !== undefined) {
    try {
      return [wanted, await wanted.id()];
    } catch (error) {
      if (!isRunlogError(error)) throw error;
      fellBack(messageOf(error));
    }
  } else
    fellBack("there is no storage here (private window, or a runtime without IndexedDB and file system)");
  const memory = memoryStore();
  return [memory, await memory.id()];
}

/** All of a run's segments in a store. */
export async function allSegments(store: Pick<LocalStore, "segments">, run: string): Promise<Segment[]> {
  const segments: Segment[] = [];
  for await (const segment of store.segments(run)) segments.push(segment);
  return segments;
}

function taken(run: string, store: LocalStore): RunlogError {
  return new RunlogError(
    "run_id_taken",
    `run '${run}' is in ${store.location} already; continue it with resumeRun({ runId: "${run}" }), or leave runId out`,
  );
}
