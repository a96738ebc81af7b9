import type { Segment } from "../../model/segment-line.ts";
import type { Delivery, Outcome } from "../../sync/destination.ts";
import { RunLost, Stop } from "./api.ts";
import { type Batch, emptyBatch, hasContent, tryAdd } from "./batches.ts";
import { finishRun } from "./finish.ts";
import type { Item } from "./items.ts";
import { recover, verifyRun } from "./lost-run.ts";
import { findRun } from "./run-identity.ts";
import { mapEntry, readAhead, readItems, type Unmapped } from "./said.ts";
import { type Lane, maxBytes, sendBatch } from "./send.ts";
import type { Place } from "./state.ts";
import { note, type Settings, startWork, stateOf, type Work } from "./work.ts";

/** How often one delivery begins anew: a server that loses the run each time is not worth more. */
const mostStarts = 3;

/** Brings one run up to date in MLflow. */
export async function deliver(delivery: Delivery, settings: Settings): Promise<Outcome> {
  let lost: RunLost | undefined;
  for (let start = 1; ; start++) {
    try {
      if (lost !== undefined) await recover(startWork(delivery, settings), lost);
      return await deliverOnce(startWork(delivery, settings), start === 1);
    } catch (error) {
      if (error instanceof Stop) return error.outcome;
      if (!(error instanceof RunLost)) throw error;
      if (start > mostStarts) return lostAgain(error);
      lost = error;
    }
  }
}

async function deliverOnce(work: Work, isFirst: boolean): Promise<Outcome> {
  if (isFirst && work.delivery.verify === true) await verifyRun(work);
  const ends = await readAhead(work, work.delivery.segments(startOf(work)));
  // Params first, all that are here, so that a race over one refuses no metric.
  for (const lane of ["params", "rest"] as const) await sendLane(work, lane, ends);
  if (stateOf(work).anew === true) await note(work, { anew: false });
  await finishRun(work);
  return { state: "done" };
}

/** Sends what is here of one lane, segment by segment. */
async function sendLane(work: Work, lane: Lane, ends: ReadonlyMap<string, number>): Promise<void> {
  const isParams = lane === "params";
  const open = openLane(work, lane);
  for await (const segment of work.delivery.segments(startOf(work))) {
    const { clock, writer, seq } = segment;
    const [at, offset] = furthest(work.position.get(writer), isParams ? work.ahead.get(writer) : undefined);
    if (seq < at || seq >= (ends.get(writer) ?? 0)) continue;
    await findRun(work);
    let hasEnd: boolean | undefined;
    if (!isParams || work.withParams.has(`${writer} ${seq}`)) {
      const { items, damage } = readItems(work, segment);
      hasEnd = items.ends;
      if (damage !== undefined)
        await work.delivery.setAside({ writer, seq, index: 0, reason: damage, item: { type: "segment" } });
      await pushItems(
        open,
        segment,
        items[lane],
        isParams ? 0 : items.params.length,
        seq === at ? offset : 0,
      );
    }
    await open.push({ clock, writer, seq, next: [seq + 1, 0], ends: hasEnd });
  }
  await open.flush();
}

interface OpenLane {
  push(unmapped: Unmapped): Promise<void>;
  flush(): Promise<void>;
}

/** Gathers entries of any number of segments and sends a request whenever it is full. */
function openLane(work: Work, lane: Lane): OpenLane {
  let batch: Batch = emptyBatch();
  const push = async (unmapped: Unmapped): Promise<void> => {
    let entry = mapEntry(work, unmapped);
    while (!tryAdd(batch, entry, maxBytes(work))) {
      await flush();
      entry = mapEntry(work, unmapped);
    }
    entry.adds.learn?.(work.draft);
  };
  const flush = async (): Promise<void> => {
    const { entries } = batch;
    batch = emptyBatch();
    // Segments without params move nothing by themselves.
    if (entries.some(hasContent) || (lane === "rest" && entries.length > 0))
      await sendBatch(work, lane, entries);
  };
  return { push, flush };
}

/** Pushes the items from `offset` on; the first of them has the number `first` in its segment. */
async function pushItems(
  lane: OpenLane,
  { clock, writer, seq }: Segment,
  items: readonly Item[],
  first: number,
  offset: number,
): Promise<void> {
  for (let at = Math.max(0, offset - first); at < items.length; at++) {
    const index = first + at;
    await lane.push({ clock, writer, seq, index, item: items[at] as Item, next: [seq, index + 1] });
  }
}

function startOf(work: Work): Record<string, number> {
  return Object.fromEntries(Array.from(work.position, ([writer, [seq]]) => [writer, seq]));
}

function furthest(one: Place = [0, 0], other: Place = [0, 0]): Place {
  return one[0] > other[0] || (one[0] === other[0] && one[1] > other[1]) ? one : other;
}

function lostAgain(error: RunLost): Outcome {
  const message = `MLflow lost the run again: ${error.message}`;
  return { state: "retry", problem: { code: "run_lost", message, action: "look at the server" } };
}
