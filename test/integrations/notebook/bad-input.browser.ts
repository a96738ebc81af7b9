import { openStore, resumeRun } from "runlog";
import { expect, it } from "vitest";
import { indexedDbStore } from "../../../src/stores/indexeddb.ts";

/** What an author's notebook does wrong, on the store of real pages. */
function cell(options: { rewindTo?: number; signal?: AbortSignal } = {}, name: string = crypto.randomUUID()) {
  return resumeRun({ key: "cell", store: indexedDbStore(name), syncTo: [], quiet: true, ...options });
}

async function stepsIn(name: string): Promise<number[]> {
  const store = openStore(indexedDbStore(name));
  const ids: string[] = [];
  for await (const { run } of store.runs()) ids.push(run);
  expect(ids).toHaveLength(1);
  return [...(await store.series(ids[0] as string, "loss")).step];
}

it("two cells with one key at once are one run with both cells' points", async () => {
  const name = crypto.randomUUID();
  const [one, other] = await Promise.all([cell({}, name), cell({}, name)]);
  expect(other.id).toBe(one.id);
  one.track({ loss: 1 }, { step: 1 });
  other.track({ loss: 2 }, { step: 2 });
  await Promise.all([one.flush(), other.flush()]);
  expect((await stepsIn(name)).toSorted()).toEqual([1, 2]);
  const reports = [await one.finish(), await other.finish()];
  expect(reports.map(({ status }) => status)).toEqual(["SUCCESS", "SUCCESS"]);
});

it.each([
  [-5, [7]],
  [99, [-3, 0, 1, 2, 7]],
])("a rewind to %i, past either end, keeps what it says", async (rewindTo, steps) => {
  const name = crypto.randomUUID();
  const abort = new AbortController();
  const first = await cell({ signal: abort.signal }, name);
  for (const step of [-3, 0, 1, 2]) first.track({ loss: step }, { step });
  await first.flush();
  abort.abort();
  const second = await cell({ rewindTo }, name);
  second.track({ loss: 7 }, { step: 7 });
  await second.flush();
  expect(await stepsIn(name)).toEqual(steps);
  await second.finish();
});

it("a run that was deleted elsewhere says so and goes on in memory; the next cell begins a new one", async () => {
  const name = crypto.randomUUID();
  const run = await cell({}, name);
  await openStore(indexedDbStore(name)).delete(run.id);
  run.track({ loss: 1 });
  expect(await run.flush()).toBe("memory");
  expect(run.report().problem?.message).toMatch(/deleted/);
  const next = await cell({}, name);
  expect(next.id).not.toBe(run.id);
  next.track({ loss: 1 }, { step: 3 });
  expect(await next.flush()).toBe("disk");
  expect(await stepsIn(name)).toEqual([3]);
});
