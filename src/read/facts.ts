import type { DestinationName, LabelRecord, RunRecord, StoredValue } from "../model/records.ts";
import type { ParameterChange } from "./state.ts";

/** What the writers said about the run itself. Of each fact the first one said stands, unless it says otherwise. */
export interface Facts {
  uid: string | undefined;
  started: number | undefined;
  store: string | undefined;
  joined: boolean;
  tag: string | undefined;
  key: string | undefined;
  owner: string | undefined;
  model: unknown;
  host: unknown;
  log: Readonly<Record<string, unknown>> | undefined;
  code: readonly unknown[] | undefined;
  readonly destinations: Map<string, DestinationName>;
  readonly parameters: Map<string, StoredValue>;
  readonly changes: ParameterChange[];
  readonly labels: Map<string, string>;
  /** name -> the JSON text of the parameter's latest value. */
  readonly latest: Map<string, string>;
}

export function noFacts(): Facts {
  return {
    uid: undefined,
    started: undefined,
    store: undefined,
    joined: false,
    tag: undefined,
    key: undefined,
    owner: undefined,
    model: undefined,
    host: undefined,
    log: undefined,
    code: undefined,
    destinations: new Map(),
    parameters: new Map(),
    changes: [],
    labels: new Map(),
    latest: new Map(),
  };
}

/** Adds what a run record says. */
export function addRun(facts: Facts, record: RunRecord): void {
  facts.uid ??= record.uid;
  facts.started ??= record.time;
  addStore(facts, record);
  facts.tag ??= record.tag;
  facts.key ??= record.key;
  facts.owner ??= record.owner;
  facts.model ??= record.model;
  facts.host ??= record.host;
  facts.code ??= record.code;
  facts.log ??= record.log;
  for (const { kind, url } of record.destinations ?? []) {
    const name = `${kind} ${url}`;
    if (!facts.destinations.has(name)) facts.destinations.set(name, { kind, url });
  }
  for (const [name, stored] of Object.entries(record.parameters ?? {})) {
    addParameter(facts, name, stored, record.time);
  }
  for (const [name, text] of Object.entries(record.labels ?? {})) {
    addLabel(facts, { name, value: text });
  }
}

/** Of the first writer, which is none that joined, whatever their clocks say. */
function addStore(facts: Facts, { store, joined = false }: RunRecord): void {
  if (facts.store !== undefined && (joined || !facts.joined)) return;
  facts.store = store;
  facts.joined = joined;
}

/** The first value stands; a later one that differs from the latest is a change. */
export function addParameter(facts: Facts, name: string, stored: StoredValue, time: number): void {
  const { json, meta } = stored;
  const text = JSON.stringify([json, meta]);
  const value = meta === undefined ? { json } : { json, meta };
  if (!facts.parameters.has(name)) facts.parameters.set(name, value);
  else if (facts.latest.get(name) !== text) facts.changes.push({ name, stored: value, time });
  facts.latest.set(name, text);
}

/** The last text stands; an empty one removes the label. */
export function addLabel(facts: Facts, { name, value }: Pick<LabelRecord, "name" | "value">): void {
  if (value === "") facts.labels.delete(name);
  else facts.labels.set(name, value);
}
