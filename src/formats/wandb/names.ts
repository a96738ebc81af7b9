import { crc32OfText } from "../../model/crc32.ts";
import type { RunState } from "../../read/state.ts";
import { type History, nameOf } from "./history.ts";

/** What things are called in W&B, which forbids some names and has a use of its own for others. */

/** The id of the run there: the uid, since an id of ours names one run of one store only. */
export function runIdOf({ uid }: RunState): string {
  // A uid that only a placeholder tells is unchecked, and this becomes the name of a folder.
  return /^[\w-]{1,64}$/.test(uid) ? uid : crc32OfText(uid);
}

/** The project of a tag. */
export function projectOf(tag: string | undefined): string {
  const name = (tag ?? "").replace(/[/\\#?%:]/g, "_");
  return [...name].slice(0, 128).join("") || "uncategorized";
}

/** Names as W&B can hold them: one that is reserved or taken already gets `_` at its end. */
export function distinct(names: Iterable<string>, reserved: readonly string[]): string[] {
  const taken = new Set(["", ...reserved]);
  return Array.from(names, (name) => {
    let free = name;
    while (taken.has(free)) free += "_";
    taken.add(free);
    return free;
  });
}

/** The key of the step itself, where `_step` counts rows. */
export const stepKey = "step";

/** The key of each source of a history. */
export function keysOf({ sources, counted }: History): string[] {
  const own = ["_step", "_timestamp", "_runtime", "_wandb"];
  return distinct(sources.map(nameOf), counted ? [...own, stepKey] : own);
}

/** A label as a tag. */
export function tagOf([name, value]: readonly [string, string]): string {
  return `${name}=${value}`;
}

/** Whether it is short enough for a tag. */
export function isTag(text: string): boolean {
  return text.length <= 64;
}
