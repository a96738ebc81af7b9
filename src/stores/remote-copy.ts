import { isRunlogError } from "../errors.ts";
import type { Answer } from "../http/answer.ts";
import type { Position, SegmentRecord } from "../model/records.ts";
import { placeholder, type Segment } from "../model/segment-line.ts";
import type { Delivery, Outcome, Problem } from "../sync/destination.ts";
import { appendCall, batchesOf, codeOf, coversAll, mostSegments, nextOf, runPath } from "./remote-batch.ts";

/**
 * Brings a run up to date in a remote store: sends, writer by writer, the segments that it lacks, and lets go of each
 * request only when a well-formed reply covers it. What is refused for good is replaced by its placeholder and set
 * aside, so that the numbers stay without gaps and one bad segment blocks nothing.
 */
interface Copy {
  readonly delivery: Delivery;
  /** writer -> next number there, as far as replies told. */
  there: Position;
  /** Segments in a request; smaller after a refusal, until the bad one is found. */
  most: number;
  /** Gaps that were gone back for once, as `writer:next`. */
  readonly gaps: Set<string>;
}

/** Copies what the other side lacks of the delivery's run. Throws only what the local store throws. */
export async function copyRun(delivery: Delivery): Promise<Outcome> {
  const copy: Copy = { delivery, there: {}, most: mostSegments, gaps: new Set() };
  if (delivery.verify === true || Object.keys(delivery.ledger.position).length === 0) {
    const outcome = await askPosition(copy);
    if (outcome !== undefined) return outcome;
    for (const [writer, [next]] of Object.entries(delivery.ledger.position)) {
      const there = copy.there[writer] ?? 0;
      if (there < next) await goOnFrom(copy, writer, there);
    }
    // What a server shows may not be durable there yet: each writer's last goes once more, and the reply covers it.
    copy.there = Object.fromEntries(Object.entries(copy.there).map(([writer, next]) => [writer, next - 1]));
  }
  for (;;) {
    const outcome = await pass(copy);
    if (outcome !== "again") return outcome;
  }
}

/** An empty ledger is a new run or a lost ledger: the other side may have it all. */
async function askPosition(copy: Copy): Promise<Outcome | undefined> {
  const answer = await copy.delivery.call({ method: "GET", path: `${runPath(copy.delivery.run)}/position` });
  if (answer.class !== "ok") return outcomeOf(answer);
  const next = nextOf(answer);
  if (next === undefined) return nonsense(copy.delivery.ledger.url);
  copy.there = next;
  return undefined;
}

async function pass(copy: Copy): Promise<Outcome | "again"> {
  for await (const batch of batchesOf(copy.delivery.segments(), () => copy.most)) {
    const outcome = await carry(copy, batch);
    if (outcome !== undefined) return outcome;
  }
  return { state: "done" };
}

async function carry(copy: Copy, batch: readonly Segment[]): Promise<Outcome | "again" | undefined> {
  const { delivery } = copy;
  const lacking = batch.filter(({ writer, seq }) => seq >= (copy.there[writer] ?? 0));
  if (lacking.length === 0) {
    await confirm(copy, batch);
    return undefined;
  }
  const answer = await delivery.call(appendCall(delivery.run, lacking));
  const next = nextOf(answer);
  if (answer.class === "ok") {
    if (!coversAll(next, lacking)) return nonsense(delivery.ledger.url);
    copy.there = { ...copy.there, ...next };
    await confirm(copy, batch);
    return undefined;
  }
  const code = codeOf(answer);
  if (code === "run_id_taken" || code === "run_deleted")
    return { state: "park", problem: parking(answer, code) };
  if (code === "segment_gap" && next !== undefined) return goBack(copy, batch, lacking, next);
  if (code === "segment_conflict" || answer.class === "refused" || answer.class === "halve") {
    return isolate(copy, batch, lacking, answer);
  }
  return outcomeOf(answer);
}

/** The server waits for an earlier number (it was restored or wiped): go on from there. */
async function goBack(
  copy: Copy,
  batch: readonly Segment[],
  lacking: readonly Segment[],
  next: Position,
): Promise<Outcome | "again"> {
  const firsts = lacking.filter(({ writer }, at) => lacking.findIndex((one) => one.writer === writer) === at);
  const early = firsts.find(({ writer, seq }) => seq > (next[writer] ?? 0));
  const gap = `${early?.writer}:${next[early?.writer ?? ""] ?? 0}`;
  if (early === undefined || copy.gaps.has(gap)) return nonsense(copy.delivery.ledger.url);
  copy.gaps.add(gap);
  copy.there = { ...copy.there, ...next };
  await confirm(copy, reached(copy, batch));
  await goOnFrom(copy, early.writer, next[early.writer] ?? 0);
  return "again";
}

/** Turns the ledger back for a writer of whom the other side lost segments; they are not counted twice. */
async function goOnFrom(copy: Copy, writer: string, from: number): Promise<void> {
  const { position, state } = copy.delivery.ledger;
  const counted = {
    ...countedOf(copy),
    [writer]: Math.max(countedOf(copy)[writer] ?? 0, position[writer]?.[0] ?? 0),
  };
  await copy.delivery.save({
    position: { ...position, [writer]: [from, 0] },
    state: { ...state, counted },
  });
}

/**
 * One segment of the request is refused. The store's own server names its line; else ever smaller requests find it.
 * Then its placeholder goes there instead.
 */
async function isolate(
  copy: Copy,
  batch: readonly Segment[],
  lacking: readonly Segment[],
  answer: Answer,
): Promise<Outcome | "again"> {
  const at = lacking.length === 1 ? 0 : lineOf(answer);
  const bad = lacking[at];
  if (bad === undefined || (at > 0 && !coversAll(nextOf(answer), lacking.slice(0, at)))) {
    copy.most = Math.ceil(lacking.length / 2);
    return "again";
  }
  await confirm(copy, batch.slice(0, batch.indexOf(bad)));
  return await replace(copy, bad, answer);
}

/** The index of the line that a problem names; -1 when it names none. */
function lineOf(answer: Answer): number {
  const line = (answer.json as { line?: unknown } | null | undefined)?.line;
  return Number.isSafeInteger(line) ? (line as number) - 1 : -1;
}

async function replace(copy: Copy, bad: Segment, answer: Answer): Promise<Outcome | "again"> {
  const { delivery } = copy;
  const count = observationsOf(delivery, bad);
  // Where other bytes have that number already, the placeholder changes nothing and is confirmed too.
  const stand = placeholder(bad, "refused", count, bad.seq === 0 ? delivery.uid : undefined);
  const reply = await delivery.call(appendCall(delivery.run, [stand]));
  if (reply.class === "refused" || reply.class === "halve") {
    return { state: "park", problem: reply.problem ?? unknownAnswer(reply) };
  }
  if (reply.class !== "ok") return outcomeOf(reply);
  if (!coversAll(nextOf(reply), [stand])) return nonsense(delivery.ledger.url);
  const { writer, seq } = bad;
  const reason = answer.problem?.message ?? answer.text;
  await delivery.setAside({ writer, seq, index: 0, reason, item: new TextDecoder().decode(bad.bytes) });
  const { position, setAside } = delivery.ledger;
  await delivery.save({
    position: { ...position, [writer]: [seq + 1, 0] },
    setAside: setAside - 1 + count, // the item is one segment; the ledger counts observations
  });
  copy.there = { ...copy.there, [writer]: Math.max(copy.there[writer] ?? 0, seq + 1) };
  copy.most = mostSegments;
  return "again";
}

/** Those of a batch that are there, by what is known now. */
function reached(copy: Copy, batch: readonly Segment[]): readonly Segment[] {
  return batch.filter(({ writer, seq }) => seq < (copy.there[writer] ?? 0));
}

/** Notes segments as delivered; those that were before a server lost them are not counted again. */
async function confirm(copy: Copy, segments: readonly Segment[]): Promise<void> {
  if (segments.length === 0) return;
  const { delivery } = copy;
  const position = { ...delivery.ledger.position };
  const counted = countedOf(copy);
  let delivered = delivery.ledger.delivered;
  for (const segment of segments) {
    position[segment.writer] = [segment.seq + 1, 0];
    if (segment.seq >= (counted[segment.writer] ?? 0)) delivered += observationsOf(delivery, segment);
  }
  await delivery.save({ position, delivered });
}

function countedOf({ delivery }: Copy): Position {
  return (delivery.ledger.state["counted"] as Position | undefined) ?? {};
}

/** Observations in a segment; none can be counted in one whose records break their schema. */
function observationsOf(delivery: Delivery, segment: Segment): number {
  let records: readonly SegmentRecord[];
  try {
    records = delivery.records(segment);
  } catch (error) {
    if (isRunlogError(error, "segment_damaged")) return 0;
    throw error;
  }
  return records.reduce((sum, record) => sum + rowsIn(record), 0);
}

function rowsIn(record: SegmentRecord): number {
  if (record.type === "metrics") return record.key.length;
  return record.type === "value" ? 1 : 0;
}

/** What an answer that delivery cannot solve means for the courier. */
function outcomeOf(answer: Answer): Outcome {
  const problem = answer.problem ?? unknownAnswer(answer);
  if (answer.class !== "retry" && answer.class !== "resync") return { state: "pause", problem };
  return {
    state: "retry",
    problem,
    ...(answer.retryAfterMs !== undefined && { afterMs: answer.retryAfterMs }),
  };
}

function parking(answer: Answer, code: "run_id_taken" | "run_deleted"): Problem {
  const message = answer.problem?.message ?? code;
  if (code === "run_deleted") {
    return { code, message, action: "nothing, if the deletion was meant; the local run is untouched" };
  }
  return {
    code,
    message,
    action: "leave runId out, so that every start gets an id of its own; the local run is untouched",
  };
}

function nonsense(url: string): Outcome {
  const problem: Problem = {
    code: "wrong_server",
    message: `${url} gave a reply that does not fit the segments sent`,
    action: `check that ${url} is a run-log store and that no proxy answers for it`,
  };
  return { state: "retry", problem };
}

function unknownAnswer(answer: Answer): Problem {
  return { code: "refused", message: answer.text, action: "look at the server's own log" };
}
