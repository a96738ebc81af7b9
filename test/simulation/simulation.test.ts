import { expect, it } from "vitest";
import { count } from "../faults/count.ts";
import { type Simulated, simulate, stepsOfWorld } from "./simulate.ts";

const given = process.env["RUNLOG_SEED"];
/** CI plays the same worlds each time; the long run takes others. */
const first = Number(given ?? count({ ci: 48, long: Date.now() % 1e9 }));
const worlds = given === undefined ? count({ ci: 50, long: 1_000 }) : 1;

/** Worlds that break a promise still; their test says so once they are mended. */
const open = [
  [15, "a segment that came after its run was complete is not looked for again in time"],
  [47, "a courier that never gets the lock looks twice a second"],
  [84, "two requests more in an idle quarter of an hour"],
] as const;

it(`keeps every promise in ${worlds} worlds of ${stepsOfWorld} steps`, async () => {
  const sum = { requests: 0, observations: 0 };
  console.log(`simulation: RUNLOG_SEED=${first} and on`);
  for (let seed = first; seed < first + worlds; seed++) {
    if (given === undefined && open.some(([known]) => known === seed)) continue;
    const world = await simulate(seed).catch((error: unknown) => {
      throw new Error(`RUNLOG_SEED=${seed}`, { cause: error });
    });
    sum.requests += world.requests;
    sum.observations += world.observations;
  }
  console.log(`simulation: ${worlds * stepsOfWorld} steps, ${JSON.stringify(sum)}`);
}, 1_200_000);

it.fails.each(open)("world %i: %s", async (seed) => void (await simulate(seed)), 600_000);

it("is decided by its seed", async () => {
  const play = (seed: number): Promise<Simulated> => simulate(seed);
  for (const seed of [1, 2, 3]) expect(await play(seed)).toEqual(await play(seed));
  expect((await play(1)).digest).not.toBe((await play(2)).digest);
}, 600_000);
