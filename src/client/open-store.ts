import { RunlogError, ValidationError } from "../errors.ts";
import { decodeSegment, readRecords, type Segment } from "../model/segment-line.ts";
import { foldSegments } from "../read/fold.ts";
import { type RunLog, runLog } from "../read/run-log.ts";
import { type Row, type RowFilter, rowsOf, type Series, seriesOf } from "../read/series.ts";
import type { RunState } from "../read/state.ts";
import type { LocalStore, Store } from "../stores/store.ts";
import type { Carried } from "../sync/courier.ts";
import type { Destination } from "../sync/destination.ts";
import { type SyncResult, syncRuns } from "../sync/sync-runs.ts";
import { runsNaming } from "./deliveries.ts";
import { allSegments } from "./opening.ts";

/** A store with its reading: what `openStore` gives. */
export interface OpenedStore extends Store {
  /** The run log, in the JSON of magnus. */
  runLog(run: string): Promise<RunLog>;
  /** The series of a key: typed arrays `step`, `time` (ms) and `value`. The task is `main`, or the only one with that key. */
  series(run: string, key: string, options?: { readonly task?: string }): Promise<Series>;
  /** Every observation as `{ run, task, key, step, time, value }`. */
  rows(run: string, filter?: RowFilter): Promise<Row[]>;
  /** The run as one file: its segments, a line each (JSON Lines). */
  export(run: string): Promise<Blob>;
  /** Takes what `export` made; what is here already is skipped. Gives the ids of the runs in it. */
  import(file: Blob | Uint8Array | string): Promise<string[]>;
  /**
   * Delivers runs of this store to a destination, whether they named it or not; without `runs` those that did.
   * Resolves also when the destination is down, with why.
   * @param options.timeout milliseconds, 30,000 by default
   */
  sync(
    destination: Destination,
    runs?: readonly string[],
    options?: { readonly timeout?: number },
  ): Promise<SyncResult>;
}

/**
 * Adds reading to any store. Every reading method rejects with `not_found` for a run that is not there, and with
 * `run_released` for one whose observations made room for others; `runs` still lists that one.
 */
export function withReading<S extends Store>(store: S): S & OpenedStore {
  const fold = async (run: string): Promise<RunState> => {
    const state = foldSegments(await allSegments(store, run));
    if (state === undefined) throw new RunlogError("not_found", `there is no run '${run}' in this store`);
    return state;
  };
  const reading = {
    runLog: async (run: string) => runLog(await fold(run)),
    series: async (run: string, key: string, options: { readonly task?: string } = {}) =>
      seriesOf(await fold(run), key, options.task),
    rows: async (run: string, filter?: RowFilter) => rowsOf(await fold(run), filter),
    async export(run: string) {
      const segments = await allSegments(store, run);
      if (segments.length === 0) throw new RunlogError("not_found", `there is no run '${run}' in this store`);
      const parts = segments.flatMap((segment) => [segment.bytes as Uint8Array<ArrayBuffer>, "\n"]);
      return new Blob(parts, { type: "application/x-ndjson" });
    },
    async import(file: Blob | Uint8Array | string) {
      const segments = readLines(await bytesOf(file));
      await store.append(segments);
      return [...new Set(segments.map((segment) => segment.run))];
    },
    async sync(
      destination: Destination,
      runs?: readonly string[],
      options: { readonly timeout?: number } = {},
    ) {
      if (!isLocal(store)) {
        throw new ValidationError(
          "sync",
          "works from a store on this machine; import the runs into one first",
        );
      }
      const chosen = await carriedOf(store, destination, runs);
      return syncRuns(store, destination, chosen, AbortSignal.timeout(options.timeout ?? 30_000));
    },
  };
  return Object.assign(Object.create(store) as S, reading);
}

function isLocal(store: Store): store is LocalStore {
  return "ledger" in store;
}

async function carriedOf(
  store: LocalStore,
  destination: Destination,
  runs: readonly string[] | undefined,
): Promise<Carried[]> {
  const chosen: Carried[] = [];
  if (runs === undefined) {
    for await (const run of runsNaming(store, destination)) chosen.push(run);
    return chosen;
  }
  for await (const { run, uid, joined } of store.runs()) {
    if (runs.includes(run)) chosen.push({ run, uid, owner: !joined });
  }
  const missing = runs.find((run) => !chosen.some((each) => each.run === run));
  if (missing !== undefined) throw new RunlogError("not_found", `there is no run '${missing}' in this store`);
  return chosen;
}

/** The segments of JSON Lines. @throws {RunlogError} `segment_damaged`, before anything is stored. */
function readLines(bytes: Uint8Array): Segment[] {
  const segments: Segment[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(10, start);
    const line = bytes.subarray(start, end < 0 ? bytes.length : end);
    if (line.length > 0) {
      const segment = decodeSegment(line);
      readRecords(segment);
      segments.push(segment);
    }
    start = end < 0 ? bytes.length : end + 1;
  }
  if (segments.length === 0)
    throw new RunlogError("segment_damaged", "this file holds no segment: it is empty");
  return segments;
}

async function bytesOf(file: Blob | Uint8Array | string): Promise<Uint8Array> {
  if (typeof file === "string") return new TextEncoder().encode(file);
  return file instanceof Uint8Array ? file : new Uint8Array(await file.arrayBuffer());
}
