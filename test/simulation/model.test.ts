import fc from "fast-check";
import { expect, it } from "vitest";
import { foldSegments } from "../../src/read/fold.ts";
import { rowsOf } from "../../src/read/series.ts";
import type { RunState } from "../../src/read/state.ts";
import { count } from "../faults/count.ts";
import type { Disk } from "./disk.ts";
import { anyCommands, type Model, type ModelRun, type Real } from "./model-commands.ts";
import { settle } from "./settle.ts";
import { type World, withWorld } from "./world.ts";

const seed = Number(process.env["RUNLOG_SEED"] ?? Date.now() % 1e9);

it("a run that is tracked, killed, resumed, rewound and delivered reads as the model says, here and there", async () => {
  console.log(`model: RUNLOG_SEED=${seed}`);
  const property = fc.asyncProperty(fc.nat(1_000_000), anyCommands(), (world, commands) =>
    withWorld(world, {}, async (made) => {
      const model: Model = { runs: [], writer: undefined, writers: 0 };
      const machine = made.dice.pick(made.machines) as Real["machine"];
      const real: Real = { world: made, machine, current: undefined, ids: [] };
      await fc.asyncModelRun(() => ({ model, real }), commands as never);
      made.network.loses = 0;
      await settle(made, 0);
      for (const [index, run] of model.runs.entries())
        await expectRun(made, machine.disk, real.ids[index] as string, run);
    }),
  );
  await fc.assert(property, { numRuns: count({ ci: 200, long: 3_000 }), seed });
}, 1_200_000);

async function expectRun(world: World, disk: Disk, id: string, run: ModelRun): Promise<void> {
  const state = await stateOf(disk, id);
  const found = new Set(rowsOf(state).map(({ value }) => Number(String(value).replace("#", ""))));
  expect(found.size).toBe(state.observations);
  for (const [number, { safe, superseded }] of run.observations) {
    if (superseded) expect(found, `${number} was taken back`).not.toContain(number);
    else if (safe) expect(found, `${number} was acknowledged`).toContain(number);
  }
  for (const number of found) expect([...run.observations.keys()]).toContain(number);
  expect(state.status).toBe(run.failed || run.crashed > 0 ? "FAIL" : "SUCCESS");
  for (const server of world.servers) expect(rowsOf(await stateOf(server.disk, id))).toEqual(rowsOf(state));
}

async function stateOf(disk: Disk, run: string): Promise<RunState> {
  const segments = [];
  for await (const segment of disk.seen.segments(run)) segments.push(segment);
  return foldSegments(segments) as RunState;
}
