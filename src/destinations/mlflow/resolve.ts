import {
  fitText,
  type Item,
  type LabelItem,
  longestParam,
  longestTag,
  type ParameterItem,
  type ValueItem,
} from "./items.ts";
import { changeTag, claim, keyName, type Named, nameTag } from "./names.ts";
import { digestOf, type Tables } from "./state.ts";

/** The most steps of a key whose values become params; magnus and people look at a few, a run log holds all. */
export const mostValueSteps = 100;

type Learn = (tables: Tables) => void;

/** What an item puts into a request. Nothing at all where the server has it already. */
export interface Additions {
  /** The JSON of a metric. */
  readonly metric?: string;
  readonly param?: readonly [name: string, text: string];
  readonly tags: readonly (readonly [name: string, text: string])[];
  /** What later items must know; applied to the draft when it joins a batch and to the kept tables when confirmed. */
  readonly learn?: Learn | undefined;
}

/** Where an item stands among all that a delivery says of the same param or label, as texts that sort. */
export interface Saying {
  readonly order: string;
  readonly first: string;
  readonly last: string;
  /** Whether they are not all the same. */
  readonly changed: boolean;
}

export interface Mapping {
  readonly taskPrefix: boolean;
  readonly crc: (text: string) => string;
}

const alone: Saying = { order: "", first: "", last: "", changed: false };

/** Maps an item, given what `tables` knows; changes nothing. */
export function resolve(mapping: Mapping, tables: Tables, item: Item, saying: Saying = alone): Additions {
  if (item.type === "metric") {
    const name = nameOf(mapping, tables, keyName(item.task, item.key, mapping.taskPrefix));
    return {
      metric: metricJson(name.name, item.step, item.time, item.value),
      tags: name.tags,
      learn: name.learn,
    };
  }
  if (item.type === "value") return resolveValue(mapping, tables, item, saying);
  return item.type === "parameter"
    ? resolveParameter(mapping, tables, item, saying)
    : resolveLabel(mapping, tables, item, saying);
}

interface NameFound {
  readonly name: string;
  /** The original of a name that had to be changed, when it is used first. */
  readonly tags: readonly (readonly [string, string])[];
  readonly learn: Learn | undefined;
}

function nameOf({ crc }: Mapping, tables: Tables, named: Named): NameFound {
  const used = tables.byId.get(named.id);
  if (used !== undefined) return { name: used, tags: [], learn: undefined };
  const name = claim(tables.names, named, crc);
  const owner = crc(named.id);
  const isKnown = tables.names.get(name) === owner;
  return {
    name,
    tags: isKnown || name === named.plain ? [] : [[nameTag(name), fitText(named.id, longestTag)]],
    learn: (tables) => {
      tables.names.set(name, owner);
      tables.byId.set(named.id, name);
    },
  };
}

function resolveParameter(mapping: Mapping, tables: Tables, item: ParameterItem, saying: Saying): Additions {
  const { crc } = mapping;
  const found = nameOf(mapping, tables, { id: item.name, plain: item.name });
  const tag = changeTag(found.name, crc);
  return param(
    mapping,
    tables,
    item.text,
    saying,
    found,
    { name: found.name, of: crc(item.name) },
    { name: tag, tags: [] },
  );
}

function resolveValue(mapping: Mapping, tables: Tables, item: ValueItem, saying: Saying): Additions {
  const { crc } = mapping;
  const key = keyName(item.task, item.key, mapping.taskPrefix);
  const found = nameOf(mapping, tables, key);
  const step: Named = { id: `${key.id}\nstep ${item.step}`, plain: `${found.name}_${item.step}` };
  const owners = { get: (name: string) => tables.params.get(name)?.[0] } as ReadonlyMap<string, string>;
  const name = claim(owners, step, crc);
  if (!tables.params.has(name) && (tables.steps.get(found.name) ?? 0) >= mostValueSteps) {
    return { tags: [], learn: countOmitted };
  }
  const renamed = tables.params.has(name) || name === step.plain ? [] : ([[nameTag(name), step.id]] as const);
  const count = (tables: Tables): void =>
    void tables.steps.set(found.name, (tables.steps.get(found.name) ?? 0) + 1);
  const both = { ...found, tags: [...found.tags, ...renamed] };
  const later = nameOf(mapping, tables, { id: step.id, plain: name });
  return param(mapping, tables, item.text, saying, both, { name, of: crc(step.id), count }, later);
}

function countOmitted(tables: Tables): void {
  tables.onlyInRunLog += 1;
}

/** A param when its name is new; once it has another value, a tag holds the last one. */
function param(
  { crc }: Mapping,
  tables: Tables,
  text: string,
  saying: Saying,
  found: NameFound,
  target: { name: string; of: string; count?: (tables: Tables) => void },
  later: { name: string; tags: NameFound["tags"] },
): Additions {
  const { name, of, count } = target;
  const value = digestOf(fitText(text, longestParam), crc);
  const known = tables.params.get(name);
  if (known === undefined && saying.order === saying.first) {
    const learn = also(found.learn, (tables) => {
      tables.params.set(name, [of, value]);
      count?.(tables);
    });
    return { param: [name, fitText(text, longestParam)], tags: found.tags, learn };
  }
  const differs = saying.changed || (known !== undefined && known[1] !== value);
  if (!differs && tables.names.get(later.name) !== of) return { tags: found.tags, learn: found.learn };
  const learn = also(found.learn, ({ names }) => void names.set(later.name, of));
  return lastOf(tables, text, saying, { name: later.name, tags: [...found.tags, ...later.tags], learn });
}

/** Tags that begin with `runlog.` are ours; a label of that kind is renamed. */
function resolveLabel(mapping: Mapping, tables: Tables, item: LabelItem, saying: Saying): Additions {
  const isOurs = item.name.startsWith("runlog.");
  const named = isOurs
    ? { id: `${item.name}\nlabel`, plain: item.name.replace(".", "_") }
    : { id: item.name, plain: item.name };
  return lastOf(tables, item.text, saying, nameOf(mapping, tables, named));
}

/** A tag gets the last text alone: one that another follows, here or there already, would take it back. */
function lastOf(tables: Tables, text: string, { order, last }: Saying, found: NameFound): Additions {
  const { name, tags } = found;
  if (order < last || order < (tables.told.get(name) ?? "")) return { tags, learn: found.learn };
  const learn = also(found.learn, ({ told }) => void told.set(name, order));
  return { tags: [...tags, [name, fitText(text, longestTag)]], learn };
}

function also(one: Learn | undefined, other: Learn): Learn {
  return (tables) => {
    one?.(tables);
    other(tables);
  };
}

const latest = Number.MAX_SAFE_INTEGER;

/** MLflow swallows a field that it cannot parse, so numbers are integers in range, NaN and infinities are strings. */
function metricJson(name: string, step: number, time: number, value: number): string {
  const number = Number.isFinite(value) ? JSON.stringify(value) : `"${value}"`;
  const timestamp = Math.min(Math.max(Math.trunc(time), 0), latest);
  const safeStep = Math.min(Math.max(Math.trunc(step), -latest), latest);
  return `{"key":${JSON.stringify(name)},"value":${number},"timestamp":${timestamp},"step":${safeStep}}`;
}
