import type { LedgerEntry } from "../../stores/store.ts";

/** What this destination keeps in `ledger.state`. Only what was confirmed is written there. */
export interface State {
  /** The experiment; its name and creation tell a wiped server, which numbers from 1 again. */
  readonly experiment?: { readonly id: string; readonly name: string; readonly created: number };
  /** MLflow's id of the run. */
  readonly run?: string;
  /** The run's artifact root there, e.g. `mlflow-artifacts:/1/<run>/artifacts`. */
  readonly artifacts?: string;
  /** What the server keeps runs in, where it says so: "SqlStore", "FileStore". */
  readonly storeType?: string;
  /** What a person should know about this run there. */
  readonly note?: string;
  /** The status and end last sent. */
  readonly status?: string;
  readonly ended?: number;
  /** True while an end was delivered and status and run log were not yet sent. */
  readonly due?: boolean;
  /** What became of run-log.json: "sent", or why it was not. */
  readonly runLog?: string;
  /** The most bytes of a request, learnt from a 413. */
  readonly maxBytes?: number;
  /** writer -> [segment, params of it confirmed], where params are ahead of the ledger's position. */
  readonly ahead?: Readonly<Record<string, Place>>;
  /** Values past 100 steps of a key, which stand only in run-log.json. */
  readonly onlyInRunLog?: number;
  /** mapped name -> crc of what it stands for. */
  readonly names?: Readonly<Record<string, string>>;
  /** param -> [crc of what it stands for, its value or the digest of a long one]. */
  readonly params?: Readonly<Record<string, ParamKnown>>;
  /** mapped key -> steps of it that are params. */
  readonly steps?: Readonly<Record<string, number>>;
  /** tag -> the place, in the order of the fold, of the value that it has there. */
  readonly told?: Readonly<Record<string, string>>;
  /** True while a batch is on its way to a server that may keep doubles, so that its outcome is not known. */
  readonly open?: boolean;
  /** True while everything is sent anew to such a server, which may have any of it. */
  readonly anew?: boolean;
}

export type Place = readonly [seq: number, offset: number];
export type ParamKnown = readonly [of: string, value: string];

/** What mapping an item needs to know of those before it. */
export interface Tables {
  readonly names: Map<string, string>;
  /** id -> mapped name, for those used since the start of a delivery: what makes mapping a metric cheap. */
  readonly byId: Map<string, string>;
  readonly params: Map<string, ParamKnown>;
  readonly steps: Map<string, number>;
  readonly told: Map<string, string>;
  onlyInRunLog: number;
}

export function readState(entry: LedgerEntry): State {
  return entry.state as State;
}

export function tablesOf(state: State): Tables {
  return {
    names: new Map(Object.entries(state.names ?? {})),
    params: new Map(Object.entries(state.params ?? {})),
    steps: new Map(Object.entries(state.steps ?? {})),
    told: new Map(Object.entries(state.told ?? {})),
    byId: new Map(),
    onlyInRunLog: state.onlyInRunLog ?? 0,
  };
}

export function copyTables(tables: Tables): Tables {
  return {
    ...tables,
    names: new Map(tables.names),
    byId: new Map(tables.byId),
    params: new Map(tables.params),
    steps: new Map(tables.steps),
    told: new Map(tables.told),
  };
}

/** The part of the state that tables fill. */
export function stateOfTables(tables: Tables): State {
  return {
    names: Object.fromEntries(tables.names),
    params: Object.fromEntries(tables.params),
    steps: Object.fromEntries(tables.steps),
    told: Object.fromEntries(tables.told),
    onlyInRunLog: tables.onlyInRunLog,
  };
}

/** A value as kept for comparing: itself, or a digest past 64 characters. */
export function digestOf(text: string, crc: (text: string) => string): string {
  return text.length <= 64 ? text : `${crc(text)}:${text.length}`;
}
