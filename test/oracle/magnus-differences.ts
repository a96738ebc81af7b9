import type { Tagged } from "./ask-magnus.ts";

/** The only ways in which runlog's metrics may differ from real magnus's, each by name. */

export interface Tracking {
  readonly key: string;
  readonly step: number;
  readonly value: unknown;
}

/** magnus takes other keys and steps than those that were given; runlog keeps them. */
export interface Renaming {
  readonly name: string;
  hits(key: string): boolean;
}

/** magnus dies, and with it the run; runlog keeps every observation. */
export interface Crash {
  readonly name: string;
  readonly error: RegExp;
  /**
   * @param given the sequence
   * @param taken the same with the keys and steps that magnus takes
   */
  hits(given: readonly Tracking[], taken: readonly Tracking[]): boolean;
}

export const renamings: readonly Renaming[] = [
  { name: "magnus lower-cases keys", hits: (key) => key !== key.toLowerCase() },
  { name: "magnus takes what follows _STEP_ in a key as the step", hits: (key) => key.includes("_STEP_") },
];

export const crashes: readonly Crash[] = [
  {
    name: "a key named 'step' is magnus's own argument",
    error: /^TypeError: .*multiple values for keyword argument 'step'/,
    hits: (given) => given.some(({ key }) => key === "step"),
  },
  {
    name: "a key with '=' is no environment variable",
    error: /^ValueError: illegal environment variable name/,
    hits: (given) => given.some(({ key }) => key.includes("=")),
  },
  {
    name: "a _STEP_ in a key without a number after it",
    error: /^ValueError: invalid literal for int\(\)/,
    hits: (_, taken) => taken.some(({ step }) => Number.isNaN(step)),
  },
  {
    name: "a key seen at one step only, which is not 0",
    error: /^KeyError: 0$/,
    hits: (_, taken) => [...stepsByKey(taken).values()].some((steps) => steps.size === 1 && !steps.has(0)),
  },
];

/** The sequence as magnus takes it: environment variables in the order in which each was first set. */
export function takenByMagnus(sequence: readonly Tracking[]): Tracking[] {
  if (!sequence.some(({ key }) => renamings.some((renaming) => renaming.hits(key)))) return [...sequence];
  const variables = new Map(sequence.map(({ key, step, value }) => [`${key}_STEP_${step}`, value]));
  return Array.from(variables, ([variable, value]) => {
    const [key = "", step] = variable.split("_STEP_");
    return { key: key.toLowerCase(), step: /^[+-]?\d+$/.test(step ?? "") ? Number(step) : Number.NaN, value };
  });
}

/** key -> the different steps it was tracked at. */
export function stepsByKey(sequence: readonly Tracking[]): Map<string, Set<number>> {
  const steps = new Map<string, Set<number>>();
  for (const { key, step } of sequence) steps.set(key, (steps.get(key) ?? new Set()).add(step));
  return steps;
}

/**
 * One tracked value as magnus holds it, as runlog writes it: "NaN and the infinities are strings, for JSON has no word
 * for them" and "-0 within an object or list is the string -0, the JSON half of a rich value".
 */
export function valueAsRunlog(value: Tagged, inside = false): Tagged {
  if (typeof value !== "object" || value === null) return value;
  if (isList(value)) return value.map((item) => valueAsRunlog(item, true));
  if ("pairs" in value)
    return { pairs: value.pairs.map(([name, item]) => [name, valueAsRunlog(item, true)]) };
  if (!("float" in value)) return value;
  const words: Readonly<Record<string, string>> = { nan: "NaN", inf: "Infinity", "-inf": "-Infinity" };
  return words[value.float] ?? (inside && value.float === "-0.0" ? "-0" : value);
}

function isList(value: Tagged): value is readonly Tagged[] {
  return Array.isArray(value);
}
