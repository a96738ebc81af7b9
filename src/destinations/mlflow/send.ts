import { checkRunThere, get, isParamChange, jsonAt, post, type Reply } from "./api.ts";
import { bodyOf, type Entry, hasContent, limits } from "./batches.ts";
import { notThere } from "./read-back.ts";
import { learnFrom, runThere } from "./run-data.ts";
import { mapEntry } from "./said.ts";
import { note, resetDraft, runOf, stateOf, type Work } from "./work.ts";

/** Params, then everything else: a race over a param must never refuse metrics. */
export type Lane = "params" | "rest";

/** The smallest cap that a 413 leads to; a server that takes less takes nothing. */
const leastBytes = 4_096;

/** The most bytes of a request to this server. */
export function maxBytes(work: Work): number {
  return stateOf(work).maxBytes ?? limits.bytes;
}

/**
 * Sends entries that fit into one request, and notes what was confirmed. What the server refuses for good is found by
 * halving, in about 2 log2 n requests, and set aside with the server's words.
 */
export async function sendBatch(work: Work, lane: Lane, entries: readonly Entry[]): Promise<void> {
  const reply = await logBatch(work, entries);
  if (reply.kind === "ok") return confirm(work, lane, entries);
  await solve(work, lane, entries, reply);
  // What was assumed for the entries may have come differently.
  resetDraft(work);
}

/** Params that have other values there go to tags; else the refused is looked for. @returns as `divide` */
async function solve(work: Work, lane: Lane, entries: readonly Entry[], reply: Refusal): Promise<boolean> {
  if (!isParamChange(reply.message) || !(await learnParams(work, entries)))
    return divide(work, lane, entries, reply);
  const mapped = entries.map((entry) => {
    const again = mapEntry(work, entry);
    again.adds.learn?.(work.draft);
    return again;
  });
  return sendPart(work, lane, mapped);
}

/** Sends the halves of refused entries. @returns whether nothing had to be set aside */
async function divide(work: Work, lane: Lane, entries: readonly Entry[], reply: Refusal): Promise<boolean> {
  const content = entries.filter(hasContent);
  if (reply.kind === "large") await lowerCap(work, entries);
  if (content.length === 1) {
    await setAside(work, content[0] as Entry, reply);
    await confirm(work, lane, entries, content[0]);
    return false;
  }
  const middle = entries.indexOf(content[content.length >> 1] as Entry);
  const left = await sendPart(work, lane, entries.slice(0, middle));
  // When the whole was refused and one half was not, the other half is known to be refused: it is divided unsent.
  const right = entries.slice(middle);
  const isKnown = left && reply.kind === "refused" && right.filter(hasContent).length > 1;
  return (isKnown ? await divide(work, lane, right, reply) : await sendPart(work, lane, right)) && left;
}

async function sendPart(work: Work, lane: Lane, entries: readonly Entry[]): Promise<boolean> {
  const reply = await logBatch(work, entries);
  if (reply.kind !== "ok") return solve(work, lane, entries, reply);
  await confirm(work, lane, entries);
  return true;
}

type Refusal = Exclude<Reply, { kind: "ok" }>;

async function logBatch(work: Work, all: readonly Entry[]): Promise<Reply> {
  const entries = await notThere(work, all);
  if (!entries.some(hasContent)) return { kind: "ok", json: {} };
  const body = bodyOf(runOf(work), entries);
  let reply = await post(work.delivery, "runs/log-batch", body);
  // Two hosts that log the same param at once: one of them is told BAD_REQUEST, and the value is there.
  const isRace =
    reply.kind === "refused" && reply.code === "BAD_REQUEST" && entries.some(({ adds }) => adds.param);
  if (isRace) reply = await post(work.delivery, "runs/log-batch", body);
  checkRunThere(reply);
  return reply;
}

async function lowerCap(work: Work, entries: readonly Entry[]): Promise<void> {
  const bytes = new TextEncoder().encode(bodyOf(runOf(work), entries)).length;
  await note(work, { maxBytes: Math.max(leastBytes, Math.min(maxBytes(work), bytes) >> 1) });
}

/**
 * Learns which values the run's params have there. @returns whether that explains a refusal: each time one more of the
 * entries' params is known, so this ends
 */
async function learnParams(work: Work, entries: readonly Entry[]): Promise<boolean> {
  const reply = await get(work.delivery, "runs/get", { run_id: runOf(work) });
  checkRunThere(reply);
  if (reply.kind === "ok") learnFrom(runThere(jsonAt(reply.json, "run")), work.kept, work.mapping.crc);
  resetDraft(work);
  return entries.some(({ adds: { param } }) => param !== undefined && work.kept.params.has(param[0]));
}

async function setAside(work: Work, { writer, seq, index, item }: Entry, reply: Refusal): Promise<void> {
  const reason = reply.code === "" ? reply.message : `${reply.code}: ${reply.message}`;
  await work.delivery.setAside({ writer, seq, index: index ?? 0, reason, item });
}

/** Notes that entries are there, all but one that was set aside. */
async function confirm(work: Work, lane: Lane, entries: readonly Entry[], aside?: Entry): Promise<void> {
  const places = lane === "params" ? work.ahead : work.position;
  let observations = 0;
  let isDue = stateOf(work).due === true;
  for (const entry of entries) {
    places.set(entry.writer, entry.next);
    if (entry === aside) continue;
    if (entry.item?.type === "metric" || entry.item?.type === "value") observations += 1;
    entry.adds.learn?.(work.kept);
    if (entry.ends || (entry.ends === false && isEnded(stateOf(work).status))) isDue = true;
  }
  for (const [writer, [seq, offset]] of work.ahead) {
    const [at = 0, confirmed = 0] = work.position.get(writer) ?? [];
    if (at > seq || (at === seq && confirmed >= offset)) work.ahead.delete(writer);
  }
  const delivered = work.delivery.ledger.delivered + observations;
  await note(work, lane === "rest" ? { due: isDue, open: false } : {}, {
    delivered,
    position: Object.fromEntries(work.position),
  });
}

/** Whether MLflow was told of an end, so that whatever comes later changes status or run log. */
function isEnded(status: string | undefined): boolean {
  return status !== undefined && status !== "RUNNING" && status !== "SCHEDULED";
}
