import { randomFrom } from "../faults/random.ts";

/** Choices that a seed repeats. */
export interface Dice {
  /** 0 to 1. */
  readonly random: () => number;
  /** True with probability `p`. */
  chance(p: number): boolean;
  /** An integer from 0 to `most`, the small ones more often. */
  small(most: number): number;
  pick<T>(from: readonly T[]): T | undefined;
  /** One of `[weight, item]`. */
  weighted<T>(from: readonly (readonly [weight: number, item: T])[]): T;
}

export function diceOf(seed: number): Dice {
  const random = randomFrom(seed);
  return {
    random,
    chance: (p) => p > 0 && random() < p,
    small: (most) => Math.floor(random() ** 2 * (most + 1)),
    pick: (from) => from[Math.floor(random() * from.length)],
    weighted(from) {
      let left = random() * from.reduce((sum, [weight]) => sum + weight, 0);
      for (const [weight, item] of from) {
        left -= weight;
        if (left < 0) return item;
      }
      return (from.at(-1) as (typeof from)[number])[1];
    },
  };
}
