/** Cost of a `track()` call, beside a bare loop that puts the same numbers into typed arrays; processor time of its thread. */
import { memoryStore, startRun } from "runlog";
import { interleave } from "./measure/interleave.ts";
import { figure, publish } from "./measure/table.ts";

const CALLS = 200_000;
const TRIES = 7;

const values = (keys: readonly string[], step: number): Record<string, number> => {
  const made: Record<string, number> = {};
  for (const key of keys) made[key] = Math.sin(step);
  return made;
};

/** Milliseconds that this thread has worked since `start`. */
function spent(start: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(start);
  return (user + system) / 1_000;
}

async function tracked(keys: readonly string[]): Promise<number> {
  const run = startRun({ store: memoryStore(), syncTo: [], quiet: true });
  await run.flush();
  const start = process.threadCpuUsage();
  for (let step = 0; step < CALLS; step++) run.track(values(keys, step), { step });
  const millis = spent(start);
  await run.finish();
  return millis;
}

let sink = 0;

function bare(keys: readonly string[]): number {
  const columns = keys.map(() => ({
    step: new Float64Array(CALLS),
    time: new Float64Array(CALLS),
    value: new Float64Array(CALLS),
  }));
  const start = process.threadCpuUsage();
  for (let step = 0; step < CALLS; step++) {
    const now = Date.now();
    const made = values(keys, step);
    let index = 0;
    for (const key of keys) {
      const column = columns[index++];
      if (column === undefined) continue;
      column.step[step] = step;
      column.time[step] = now;
      column.value[step] = made[key] ?? Number.NaN;
    }
  }
  const millis = spent(start);
  sink += columns[0]?.value[CALLS - 1] ?? 0; // read, so that the loop cannot be left out
  return millis;
}

const rows = [["one call of track()", "ns", "bare loop, ns", "times"]];
for (const keys of [["loss"], ["loss", "accuracy", "rate"]]) {
  const { ours, raw, ratio } = await interleave(
    TRIES,
    () => tracked(keys),
    () => bare(keys),
  );
  const nanos = (millis: number): string => figure((millis / CALLS) * 1e6);
  rows.push([`${keys.length} ${keys.length === 1 ? "key" : "keys"}`, nanos(ours), nanos(raw), figure(ratio)]);
}
if (Number.isNaN(sink)) throw new Error("the bare loop kept nothing");
publish("track", rows);
