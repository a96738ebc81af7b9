import { parseJson } from "../model/json.ts";
import { numberToJson } from "../model/rich.ts";
import { encodeValue } from "../model/value.ts";

/**
 * JSON for programs. NaN, ±Infinity and -0 are strings, as in a segment; a value that JSON lacks (a Date, a bigint,
 * a Map) appears as the readable half of how it is stored.
 */
export function jsonText(value: unknown, indent = 2): string {
  return JSON.stringify(plain(value), undefined, indent) ?? "null";
}

function plain(value: unknown): unknown {
  if (typeof value === "number") return numberToJson(value);
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  if (!isRecord(value)) return parseJson(encodeValue(value).json);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
}

function isRecord(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
