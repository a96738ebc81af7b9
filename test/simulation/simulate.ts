import { settle } from "./settle.ts";
import { takeStep } from "./steps.ts";
import { type Flaws, withWorld } from "./world.ts";

/** What one seed came to. */
export interface Simulated {
  /** Of all that happened: equal for equal seeds. */
  readonly digest: number;
  readonly steps: number;
  readonly requests: number;
  readonly wakes: number;
  readonly observations: number;
}

/** How many steps one world lives before it settles. */
export const stepsOfWorld = 200;

/** Plays the world of `seed`: steps with faults, then peace. Rejects with the first promise that is broken. */
export function simulate(seed: number, flaws: Flaws = {}, steps: number = stepsOfWorld): Promise<Simulated> {
  return withWorld(seed, flaws, async (world) => {
    for (let step = 0; step < steps; step++) {
      await takeStep(world);
      if (step % 20 === 19) for (const { disk } of world.machines) await world.witness.look(disk);
    }
    await settle(world);
    const { trace, network, witness } = world;
    return {
      digest: trace.digest,
      steps,
      requests: network.requests,
      wakes: world.clock.wakes,
      observations: witness.made,
    };
  });
}
