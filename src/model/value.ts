import type { SuperJSONResult } from "superjson";
import { messageOf, RunlogError } from "../errors.ts";
import { bytesClass, copyOfBytes, makeRich } from "./rich.ts";

/**
 * Values that are not metrics: checked, copied and turned into JSON at the call, so that a later change of the
 * caller's object, a getter that throws or a cycle can never reach the store. Plain JSON never meets superjson, so
 * every key round-trips, `__proto__` too; other values add superjson's `meta`, and then the three keys that
 * superjson refuses are refused here by name.
 */

/** The most containers that may lie inside each other. */
export const maxDepth = 32;
/** The most values (containers, keys' values, items) in one tracked value. */
export const maxNodes = 10_000;
/** The most bytes of one value's JSON. */
export const maxBytes = 1_048_576;

/** A value ready to be written: JSON text and, for rich values, the text of superjson's `meta`. */
export interface EncodedValue {
  readonly json: string;
  readonly meta?: string;
}

/** A rule that a value broke; the caller adds the key. */
export class ValueRule extends Error {}

interface Walk {
  nodes: number;
  /** Characters of the JSON and of the paths in its meta: at most the bytes they become. */
  size: number;
  rich: boolean;
  forbidden: string | undefined;
}

/** A container that is being copied, and those around it. */
interface Inside {
  readonly object: object;
  readonly around: Inside | undefined;
  readonly depth: number;
  /** Characters of the path to it, which superjson writes for every rich value below. */
  readonly path: number;
}

const refusedBySuperjson = new Set(["__proto__", "constructor", "prototype"]);
const maxBits = 32_768;
const tooLong = "holds a bigint of more than 32,768 bits; track its text";
const tooMany = "holds more than 10,000 values; keep it as a file and track its name";
const tooLarge = "is over 1 MiB as JSON; keep it as a file and track its name";

/**
 * The JSON of a copy of `value`.
 * @throws {ValueRule} for what cannot be kept: functions, symbols, promises, unknown classes, cycles, getters and
 * proxies that throw, more than 32 levels, 10,000 nodes or 1 MiB.
 */
export function encodeValue(value: unknown): EncodedValue {
  const walk: Walk = { nodes: 0, size: 0, rich: false, forbidden: undefined };
  const copy = safeCopyOf(value, walk);
  if (!walk.rich) return { json: limited(JSON.stringify(copy)) };
  if (walk.forbidden !== undefined) {
    throw new ValueRule(`has the key '${walk.forbidden}' beside a value that JSON lacks; rename that key`);
  }
  const { json, meta } = makeRich().serialize(copy);
  // A copy is a tree. superjson takes each NaN for the same object still, and then empties maps: without its equalities.
  const { referentialEqualities: _, ...values } = meta ?? {};
  return {
    json: limited(JSON.stringify(json ?? null)),
    ...(meta && { meta: limited(JSON.stringify(values)) }),
  };
}

/**
 * The value that was encoded; `json` and `meta` as parsed from a segment.
 * @throws {RunlogError} `segment_damaged` when `meta` does not fit `json`, which no encoded value does.
 */
export function decodeValue(json: unknown, meta: unknown): unknown {
  if (meta === undefined) return json;
  try {
    const { values } = meta as NonNullable<SuperJSONResult["meta"]>;
    if (!isTree(values)) throw new TypeError("it is no tree of superjson's names of types");
    // A copy of our own: superjson's gives what stands under `__proto__` to the object as its prototype.
    const stored = { json: structuredClone(json), meta: { values, v: 1 } } as SuperJSONResult;
    const value: unknown = makeRich().deserialize(stored, { inPlace: true });
    encodeValue(value); // what could not have been tracked can neither be printed nor sent
    return value;
  } catch (cause) {
    throw new RunlogError("segment_damaged", `a value's meta does not fit its json: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/**
 * What superjson goes through without looking: of a text it would call itself until the stack is full, and its own
 * typed arrays, which nothing here writes, it makes as long as the json says.
 */
function isTree(tree: unknown): boolean {
  if (typeof tree !== "object" || tree === null) return false;
  if (!Array.isArray(tree)) return Object.values(tree).every(isTree);
  const [type, inside = {}] = tree;
  return (typeof type === "string" || type?.[0] === "custom") && !Array.isArray(inside) && isTree(inside);
}

function limited(json: string): string {
  if (json.length <= maxBytes / 3 || new TextEncoder().encode(json).length <= maxBytes) return json;
  throw new ValueRule(tooLarge);
}

/** Every look at a caller's object may run the caller's code, a proxy's traps: what those throw is a rule broken. */
function safeCopyOf(value: unknown, walk: Walk): unknown {
  try {
    return copyOf(value, walk, undefined, 0);
  } catch (cause) {
    if (cause instanceof ValueRule) throw cause;
    throw new ValueRule("holds an object that throws when it is read; track a plain copy of it", { cause });
  }
}

function copyOf(value: unknown, walk: Walk, inside: Inside | undefined, path: number): unknown {
  walk.nodes += 1;
  if (walk.nodes > maxNodes) throw new ValueRule(tooMany);
  switch (typeof value) {
    case "string":
      return sized(value, value.length, walk);
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0) ? value : rich(value, path, walk);
    case "bigint":
      // Told by its bits: the digits of a long one take seconds to write.
      if (BigInt.asIntN(maxBits, value) !== value) throw new ValueRule(tooLong);
      return rich(value, path, walk);
    case "undefined":
      return rich(value, path, walk);
    case "object":
      return value === null ? null : copyOfObject(value, walk, inside, path);
    default:
      throw new ValueRule(
        `holds a ${typeof value}, which cannot be stored; track what it returns or stands for`,
      );
  }
}

function copyOfObject(object: object, walk: Walk, around: Inside | undefined, path: number): unknown {
  for (let outer = around; outer !== undefined; outer = outer.around) {
    if (outer.object === object) throw new ValueRule("holds itself (a cycle); track a copy without it");
  }
  const inside: Inside = { object, around, depth: (around?.depth ?? 0) + 1, path };
  if (inside.depth > maxDepth) throw new ValueRule("is nested deeper than 32 levels; flatten it");
  if (Array.isArray(object)) return copyOfArray(object, walk, inside);
  if (isPlain(object)) return copyOfPlain(object, walk, inside);
  return rich(copyOfRich(object, walk, inside), path, walk);
}

function copyOfArray(value: readonly unknown[], walk: Walk, inside: Inside): unknown[] {
  if (value.length > maxNodes) throw new ValueRule(tooMany);
  const copy: unknown[] = [];
  for (let index = 0; index < value.length; index++) {
    copy.push(copyOf(read(value, index), walk, inside, inside.path + 6));
  }
  return copy;
}

function copyOfPlain(value: object, walk: Walk, inside: Inside): object {
  const copy: Record<string, unknown> = Object.create(null);
  if (Object.getOwnPropertySymbols(value).length > 0)
    throw new ValueRule("has a symbol as key; use a string");
  for (const key of Object.keys(value)) {
    if (refusedBySuperjson.has(key)) walk.forbidden = key;
    sized(key, key.length, walk);
    copy[key] = copyOf(read(value, key), walk, inside, inside.path + key.length + 1);
  }
  return copy;
}

function copyOfRich(value: object, walk: Walk, inside: Inside): unknown {
  if (bytesClass(value) !== undefined) {
    return copyOfBytes(
      sized(value as ArrayBuffer | ArrayBufferView, (value as ArrayBuffer).byteLength / 2, walk),
    );
  }
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime()))
      throw new ValueRule("holds an invalid Date; track the text it came from");
    return new Date(value);
  }
  const part = (item: unknown): unknown => copyOf(item, walk, inside, inside.path + 8);
  if (value instanceof Map) return new Map(Array.from(value, ([key, item]) => [part(key), part(item)]));
  if (value instanceof Set) return new Set(Array.from(value, part));
  if (value instanceof RegExp) return new RegExp(sized(value, value.source.length, walk).source, value.flags);
  if (value instanceof URL) return new URL(sized(value, value.href.length, walk).href);
  throw new ValueRule(classRule(value));
}

function classRule(value: object): string {
  const name = value.constructor?.name || "class instance";
  // By shape too: a minified tfjs has other class names.
  const isTensor = typeof (value as { dataSync?: unknown }).dataSync === "function";
  if (isTensor || name === "Tensor" || name === "Variable") return "is a Tensor: pass (await t.data())[0]";
  if (typeof (value as { then?: unknown }).then === "function")
    return `is a ${name}: await it and track the result`;
  if (value instanceof Error) return `is an ${name}: track its message`;
  if (name === "Blob" || name === "File") return `is a ${name}: keep it as a file and track its name`;
  return `holds a ${name}, a class that cannot be stored; track a plain object of what matters in it`;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === null) return true;
  // An object literal of another frame or VM context has another Object.prototype, whose own prototype is null.
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf");
}

function read(from: object, key: string | number): unknown {
  try {
    return (from as Record<string | number, unknown>)[key];
  } catch (cause) {
    throw new ValueRule(`has a getter '${String(key)}' that throws; track a plain value`, { cause });
  }
}

function sized<T>(value: T, size: number, walk: Walk): T {
  walk.size += size;
  if (walk.size > maxBytes) throw new ValueRule(tooLarge);
  return value;
}

function rich<T>(value: T, path: number, walk: Walk): T {
  walk.rich = true;
  return sized(value, path, walk);
}
