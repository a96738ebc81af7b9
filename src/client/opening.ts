import { RunlogError } from "../errors.ts";
import type { RunRecord } from "../model/records.ts";
import type { Segment } from "../model/segment-line.ts";
import { unreleased } from "../stores/released.ts";
import type { LocalStore } from "../stores/store.ts";
import type { Problem } from "../sync/destination.ts";
import { type Home, noteHome, openHome } from "./home.ts";
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
  /** Why the run is in memory only, or that earlier runs are gone. */
  readonly problem: Problem | undefined;
  /** Something of the run is in its store. */
  kept(): void;
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
  readonly code?: Promise<RunRecord["code"]> | undefined;
  readonly warn: (message: string) => void;
}

/** @throws {RunlogError} `run_id_taken` when the caller's id is in the store and the store can tell at once. */
export function openNew(parts: OpeningParts): Opening {
  const { start } = parts;
  let run = parts.run;
  let home: Home | undefined;
  let record: RunRecord | undefined;
  let code: RunRecord["code"];
  if (parts.chosen && parts.store?.has?.(run) === true) throw taken(run, parts.store);

  const opening = async (): Promise<Opened> => {
    home = await openHome(parts.store, run, parts.warn);
    code = await parts.code;
    if (home.taken) rename();
    return first(home.store, home.id);
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
      return home?.problem;
    },
    kept: () => home && noteHome(home),
    again: (now) => record && { ...record, time: now },
  };
}

/**
 * All of a run's segments in a store.
 * @throws {RunlogError} `run_released` where they made room for others
 */
export async function allSegments(store: Pick<LocalStore, "segments">, run: string): Promise<Segment[]> {
  const segments: Segment[] = [];
  for await (const segment of unreleased(store.segments(run))) segments.push(segment);
  return segments;
}

function taken(run: string, store: LocalStore): RunlogError {
  return new RunlogError(
    "run_id_taken",
    `run '${run}' is in ${store.location} already; continue it with resumeRun({ runId: "${run}" }), or leave runId out`,
  );
}
