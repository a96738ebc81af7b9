import type { RunState } from "../../read/state.ts";
import type { History } from "./history.ts";
import * as messages from "./messages.ts";
import { distinct, isTag, keysOf, projectOf, runIdOf, stepKey, tagOf } from "./names.ts";
import { jsonOf } from "./value.ts";

/** The run log as a whole, for what W&B has no place for; it is uploaded with the run. */
export const runLogFile = "run-log.json";

/**
 * The records of an offline run in W&B's order: who writes, the run with its parameters, files, the history, the last
 * value of every key and the exit. A run that has not ended has no exit, as with W&B itself.
 */
export function* records(state: RunState, history: History): Generator<Uint8Array> {
  let number = 0;
  for (const content of contents(state, history)) yield messages.encodeRecord(++number, content);
}

function* contents(state: RunState, history: History): Generator<messages.Content> {
  yield messages.header();
  yield runOf(state);
  yield messages.files([runLogFile]);
  const changed = changesOf(state);
  if (changed.length > 0) yield messages.config(changed);
  const keys = keysOf(history);
  if (history.counted) for (const key of keys) yield messages.metric(key, stepKey);
  yield* rows(state, history, keys);
  yield messages.summary(lastOf(state, history, keys));
  if (state.ended !== undefined)
    yield messages.exit(state.status === "SUCCESS" ? 0 : 1, runtime(state, state.ended));
}

function runOf(state: RunState): messages.Content {
  const labels = [...state.labels].map(tagOf);
  const names = configNames(state);
  const values = [...state.parameters.values()].map(jsonOf);
  return messages.run({
    id: runIdOf(state),
    project: projectOf(state.tag),
    displayName: state.run,
    config: [["_wandb", "{}"], ...values.map((json, index) => [names[index] as string, json] as const)],
    notes: [...labels.filter((label) => !isTag(label)), state.message].filter(Boolean).join("\n"),
    tags: labels.filter(isTag),
    started: state.started,
    git: gitOf(state.code),
  });
}

function configNames({ parameters }: RunState): string[] {
  return distinct(parameters.keys(), ["_wandb"]);
}

/** The last value of each parameter that was changed. */
function changesOf(state: RunState): messages.Item[] {
  const names = configNames(state);
  const order = [...state.parameters.keys()];
  const last = new Map(state.changes.map(({ name, stored }) => [name, stored]));
  return Array.from(last, ([name, stored]) => [names[order.indexOf(name)] ?? name, jsonOf(stored)]);
}

/** The first commit among the code identities. */
function gitOf(code: readonly unknown[]): messages.RunMessage["git"] {
  for (const each of code as readonly Readonly<Record<string, unknown>>[]) {
    const { code_identifier: commit, code_identifier_type: type, code_identifier_url: remote } = each ?? {};
    if (type === "git" && typeof commit === "string") return { commit, remote: String(remote ?? "") };
  }
  return undefined;
}

function* rows(
  state: RunState,
  { sources, rows, counted }: History,
  keys: readonly string[],
): Generator<messages.Content> {
  for (const [index, { step, time, cells }] of rows.entries()) {
    const shown = counted ? index : step;
    const items = cells.map(({ source, row }): messages.Item => {
      const value = sources[source]?.column.value[row] ?? {};
      return [keys[source] as string, jsonOf(value)];
    });
    if (counted) items.push([stepKey, String(step)]);
    yield messages.history(shown, [...items, ...clockOf(state, shown, time)]);
  }
}

function clockOf(state: RunState, step: number, time: number): messages.Item[] {
  return [
    ["_step", String(step)],
    ["_timestamp", String(time / 1_000)],
    ["_runtime", String(Math.max(0, time - state.started) / 1_000)],
  ];
}

/** The last value of every key, and of the row that was last. */
function lastOf(
  state: RunState,
  { sources, rows, counted }: History,
  keys: readonly string[],
): messages.Item[] {
  const items = sources.map(
    ({ column }, source): messages.Item => [keys[source] as string, jsonOf(column.value.at(-1) ?? {})],
  );
  const last = rows.at(-1);
  if (last === undefined) return items;
  const shown = counted ? rows.length - 1 : last.step;
  if (counted) items.push([stepKey, String(last.step)]);
  return [...items, ...clockOf(state, shown, last.time)];
}

/** Whole seconds. */
function runtime({ started }: RunState, ended: number): number {
  return Math.max(0, Math.floor((ended - started) / 1_000));
}
