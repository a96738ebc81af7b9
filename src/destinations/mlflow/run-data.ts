import { isJson, type Json, jsonAt, listAt, numberAt, textAt } from "./api.ts";
import { digestOf, type Tables } from "./state.ts";

/** A run as MLflow shows it. */
export interface RunThere {
  readonly id: string;
  readonly status: string;
  readonly isActive: boolean;
  readonly ended: number | undefined;
  readonly artifacts: string;
  readonly tags: ReadonlyMap<string, string>;
  readonly params: ReadonlyMap<string, string>;
  readonly metrics: readonly string[];
}

/** A run from the JSON of runs/create, runs/get or runs/search. */
export function runThere(run: unknown): RunThere {
  const info = jsonAt(run, "info");
  const data = jsonAt(run, "data");
  const ended = numberAt(info, "end_time");
  return {
    id: textAt(info, "run_id"),
    status: textAt(info, "status"),
    isActive: textAt(info, "lifecycle_stage") !== "deleted",
    ended: ended > 0 ? ended : undefined,
    artifacts: textAt(info, "artifact_uri"),
    tags: pairs(data, "tags"),
    params: pairs(data, "params"),
    metrics: listAt(data, "metrics").map((metric) => textAt(metric, "key")),
  };
}

/**
 * Notes what an existing run holds already: its params, and whose its names are. Where no tag tells the original, the
 * owner stays unknown and whoever maps to that name unchanged takes it.
 */
export function learnFrom(there: RunThere, tables: Tables, crc: (text: string) => string): void {
  const owner = (name: string): string => {
    const original = there.tags.get(`runlog.name.${name}`);
    return original === undefined ? "" : crc(original);
  };
  const tags = Array.from(there.tags.keys()).filter((name) => !/^runlog\.(?!name\.)/.test(name));
  for (const name of [...there.metrics, ...tags.map((tag) => tag.replace("runlog.name.", ""))])
    if (!tables.names.has(name)) tables.names.set(name, owner(name));
  for (const [name, text] of there.params) {
    if (!tables.params.has(name)) countStep(tables, name);
    tables.params.set(name, [tables.params.get(name)?.[0] ?? owner(name), digestOf(text, crc)]);
  }
}

function countStep(tables: Tables, param: string): void {
  const key = /^(.+)_-?\d+$/.exec(param)?.[1];
  if (key !== undefined) tables.steps.set(key, (tables.steps.get(key) ?? 0) + 1);
}

function pairs(data: Json, field: string): ReadonlyMap<string, string> {
  const found = listAt(data, field).filter(isJson);
  return new Map(found.map((each) => [textAt(each, "key"), textAt(each, "value")]));
}
