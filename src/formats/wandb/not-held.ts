import { mainTask } from "../../model/observation.ts";
import type { RunState } from "../../read/state.ts";
import { type History, nameOf } from "./history.ts";
import { isTag, keysOf, projectOf, stepKey, tagOf } from "./names.ts";
import { isRich } from "./value.ts";

/** What W&B cannot hold as it is, a line each. All but the observations' own times is in `files/run-log.json` too. */
export function notHeld(state: RunState, history: History): string[] {
  return [...ofRun(state), ...ofHistory(history)];
}

function ofRun(state: RunState): string[] {
  const { tag, status, signal, labels, changes, artifacts, lost, tasks, model } = state;
  const changed = [...new Set(changes.map(({ name }) => name))];
  const long = [...labels].filter((label) => !isTag(tagOf(label))).map(([name]) => name);
  const rich = [...state.parameters].filter(([, stored]) => isRich(stored)).map(([name]) => name);
  const others = [...tasks.values()].filter(({ name, attempts }) => name !== mainTask || attempts.length > 1);
  return [
    ...(tag !== undefined && projectOf(tag) !== tag
      ? [`the tag '${tag}' cannot name a project: it is '${projectOf(tag)}'`]
      : []),
    ...(status === "PROCESSING"
      ? ["the run has not ended: it has no exit, and W&B takes it for crashed"]
      : []),
    ...(signal !== undefined ? [`the signal ${signal} that ended it is exit code 1`] : []),
    ...listed("parameters whose config shows the last value only", changed),
    ...listed("parameters with values that JSON lacks, shown as text", rich),
    ...listed("labels too long for a tag, which are in the notes", long),
    ...listed(
      "tasks, which are prefixes of their keys without times, states and attempts",
      others.map(({ name }) => name),
    ),
    ...listed(
      "files, of which only name and hash are kept",
      artifacts.map(({ name }) => name),
    ),
    ...(model !== undefined ? ["goals and units of the metric model"] : []),
    ...(lost.length > 0 ? [`${lost.length} parts of the run are lost, and what was tracked in them`] : []),
  ];
}

function ofHistory(history: History): string[] {
  const { sources, rows, counted } = history;
  const keys = keysOf(history);
  const renamed = sources.flatMap((source, index) =>
    nameOf(source) === keys[index] ? [] : [`${nameOf(source)} (now ${keys[index]})`],
  );
  const rich = sources.filter(({ column }) => column.value.some(isRich)).map(nameOf);
  const moved = rows.reduce(
    (sum, { time, cells }) => sum + cells.filter((cell) => cell.time !== time).length,
    0,
  );
  return [
    ...(counted
      ? [
          `steps are negative or repeat: '_step' counts the rows in the order of time, '${stepKey}' is the step`,
        ]
      : []),
    ...listed("keys with another name, since theirs is taken or reserved", renamed),
    ...listed("keys with values that JSON lacks, shown as text", rich),
    ...(moved > 0
      ? [`${moved} observations have the time of their row, which is a little later than theirs`]
      : []),
  ];
}

/** One line that names the first few. */
function listed(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > 10 ? ` and ${names.length - 10} more` : "";
  return [`${what}: ${names.slice(0, 10).join(", ")}${more}`];
}
