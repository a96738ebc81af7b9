import type { Delivery, Differences } from "../../sync/destination.ts";
import { expectOk, get, jsonAt, Stop } from "./api.ts";
import { readRows, rowOf } from "./read-back.ts";
import { runThere } from "./run-data.ts";
import { mapEntry, readAhead, readItems } from "./said.ts";
import { digestOf } from "./state.ts";
import { runOf, type Settings, startWork, stateOf, type Work } from "./work.ts";

/**
 * What MLflow holds of what the ledger says it confirmed: each metric by its key, step, time and value, each param and
 * tag by its text. Tags are those that this store would send last; another host that joined may have set them since.
 * @param aside the items that were set aside, as `writer seq index`
 * @throws what the server said, when it did not answer
 */
export async function compareRun(
  delivery: Delivery,
  aside: ReadonlySet<string>,
  settings: Settings = { experiment: undefined, taskPrefix: true },
): Promise<Differences> {
  try {
    const work = startWork(delivery, settings);
    const { metrics, tags, params } = await expected(work, aside);
    const reply = await get(delivery, "runs/get", { run_id: runOf(work) });
    const there = runThere(jsonAt(expectOk(delivery, reply, "to show a run"), "run"));
    const digest = (text: string): string => digestOf(text, work.mapping.crc);
    const { status } = stateOf(work);
    return {
      metrics: await compareMetrics(work, metrics),
      params: compareTexts(params, (name) => {
        const text = there.params.get(name);
        return text === undefined ? undefined : digest(text);
      }),
      tags: compareTexts(tags, (name) => there.tags.get(name)),
      status: { of: 1, missing: 0, other: Number(status !== undefined && status !== there.status), twice: 0 },
    };
  } catch (error) {
    if (error instanceof Stop && error.outcome.state !== "done")
      throw new Error(error.outcome.problem.message);
    throw error;
  }
}

interface Expected {
  /** key -> its rows. */
  readonly metrics: Map<string, Set<string>>;
  readonly tags: Map<string, string>;
  /** name -> digest of the text. */
  readonly params: Map<string, string>;
}

async function expected(work: Work, aside: ReadonlySet<string>): Promise<Expected> {
  const { delivery } = work;
  const metrics = new Map<string, Set<string>>();
  const tags = new Map<string, string>();
  await readAhead(work, delivery.segments({}));
  for await (const segment of delivery.segments({})) {
    const { clock, writer, seq } = segment;
    const [next, offset] = work.position.get(writer) ?? [0, 0];
    const { params, rest } = readItems(work, segment).items;
    for (const [index, item] of params.concat(rest).entries()) {
      if (seq > next || (seq === next && index >= offset) || aside.has(`${writer} ${seq} ${index}`)) continue;
      const { adds } = mapEntry(work, { clock, writer, seq, index, item, next: [seq, index + 1] });
      adds.learn?.(work.draft);
      for (const [name, text] of adds.tags) tags.set(name, text);
      if (adds.metric === undefined) continue;
      const row = JSON.parse(adds.metric) as { key: string };
      const rows = metrics.get(row.key) ?? new Set();
      metrics.set(row.key, rows.add(rowOf(row)));
    }
  }
  const params = new Map(Array.from(work.draft.params, ([name, [, digest]]) => [name, digest]));
  return { metrics, tags, params };
}

async function compareMetrics(
  work: Work,
  metrics: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<Differences[string]> {
  const found = { of: 0, missing: 0, other: 0, twice: 0 };
  for (const [key, rows] of metrics) {
    const missing = new Set(rows);
    const there = new Set<string>();
    await readRows(work, key, (row) => {
      if (there.has(row)) found.twice += 1;
      there.add(row);
      missing.delete(row);
    });
    found.of += rows.size;
    found.missing += missing.size;
  }
  return found;
}

function compareTexts(
  here: ReadonlyMap<string, string>,
  there: (name: string) => string | undefined,
): Differences[string] {
  const texts = Array.from(here, ([name, text]) => ({ text, other: there(name) }));
  return {
    of: here.size,
    missing: texts.filter(({ other }) => other === undefined).length,
    other: texts.filter(({ text, other }) => other !== undefined && other !== text).length,
    twice: 0,
  };
}
