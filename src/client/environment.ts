import { isRunlogError, messageOf } from "../errors.ts";
import { parseJson } from "../model/json.ts";

/**
 * `MAGNUS_TRACK_<key>[_STEP_<n>]` and `MAGNUS_PRM_<name>` in the environment of the process: what a shell step or a
 * library without runlog exports. As in magnus the key is lower-cased, a value that is JSON becomes what it says and any other stays text;
 * unlike magnus a bad step or an empty key is told, not fatal.
 */

const prefix = "MAGNUS_TRACK_";
const step = "_STEP_";

/** One variable, understood or with what is wrong about it. */
export type TrackedVariable =
  | { readonly name: string; readonly key: string; readonly step: number; readonly value: unknown }
  | { readonly name: string; readonly problem: string };

/** The tracked variables among `variables`, in their order. */
export function readTracked(variables: Readonly<Record<string, string | undefined>>): TrackedVariable[] {
  const found: TrackedVariable[] = [];
  for (const [name, text] of Object.entries(variables)) {
    if (name.startsWith(prefix) && text !== undefined) found.push(readOne(name, text));
  }
  return found;
}

function readOne(name: string, text: string): TrackedVariable {
  const [key = "", at] = name.slice(prefix.length).split(step);
  if (key === "") return { name, problem: `${name} names no key: write ${prefix}<key>=<value>` };
  if (at !== undefined && !/^\s*[+-]?\d+\s*$/.test(at)) {
    return {
      name,
      problem: `${name} has the step '${at}', which is no integer: write ${prefix}<key>${step}<n>=<value>`,
    };
  }
  return {
    name,
    key: key.toLowerCase(),
    step: at === undefined ? 0 : Number(at),
    value: readValue(text.trim()),
  };
}

const parameterPrefix = "MAGNUS_PRM_";

/** The name of the variable that gives a parameter to what a process starts, as magnus does. */
export function parameterVariable(name: string): string {
  return `${parameterPrefix}${name}`;
}

/** The parameters among `variables`, `MAGNUS_PRM_<name>`: names in lower case, values as those of tracked ones. */
export function readParameters(
  variables: Readonly<Record<string, string | undefined>>,
): Record<string, unknown> {
  const found: Record<string, unknown> = Object.create(null);
  for (const [variable, text] of Object.entries(variables)) {
    const name = variable.startsWith(parameterPrefix) ? variable.slice(parameterPrefix.length) : "";
    if (name !== "" && text !== undefined) found[name.toLowerCase()] = readValue(text.trim());
  }
  return found;
}

/** Tells at each call which parameters of the environment are new, or other ones, since the last call or the start. */
export function watchParameters(
  variables: Readonly<Record<string, string | undefined>> | undefined,
): () => [name: string, value: unknown][] {
  const known = new Map<string, string>();
  const look = (): [name: string, value: unknown][] => {
    const all = Object.entries(readParameters(variables ?? {}));
    const fresh = all.filter(([name, value]) => known.get(name) !== JSON.stringify(value));
    for (const [name, value] of fresh) known.set(name, JSON.stringify(value));
    return fresh;
  };
  look();
  return look;
}

/** Python's JSON: NaN, Infinity and -Infinity are numbers there. */
function readValue(text: string): unknown {
  if (text === "NaN" || text === "Infinity" || text === "-Infinity") return Number(text);
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

/**
 * Tracks every variable by `track` and removes it by `remove`; gives what was wrong.
 */
export function trackVariables(
  variables: readonly TrackedVariable[],
  track: (values: Readonly<Record<string, unknown>>, step: number) => void,
  remove: (name: string) => void,
): string[] {
  const problems: string[] = [];
  for (const variable of variables) {
    remove(variable.name);
    if ("problem" in variable) problems.push(variable.problem);
    else {
      try {
        track({ [variable.key]: variable.value }, variable.step);
      } catch (error) {
        if (!isRunlogError(error, "invalid")) throw error;
        problems.push(`${variable.name}: ${messageOf(error)}`);
      }
    }
  }
  return problems;
}
