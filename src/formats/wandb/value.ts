import type { StoredValue } from "../../model/records.ts";
import { decodeStored } from "../../read/columns.ts";

/** The JSON text of a stored value as W&B writes it: NaN, ±Infinity and -0 bare, rich values as superjson's JSON. */
export function jsonOf(stored: number | StoredValue): string {
  const value = plainOf(stored);
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  return JSON.stringify(value.json ?? null);
}

/** Whether it is more than W&B's JSON can say. */
export function isRich(stored: number | StoredValue): boolean {
  const value = plainOf(stored);
  return typeof value !== "number" && value.meta !== undefined;
}

/** A number also where it is stored as a rich value: NaN as a parameter. */
function plainOf(stored: number | StoredValue): number | StoredValue {
  if (typeof stored === "number" || stored.meta === undefined) return stored;
  const value = decodeStored(stored);
  return typeof value === "number" ? value : stored;
}
