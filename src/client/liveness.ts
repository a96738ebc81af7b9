import type { FinishRecord, Position, RunRecord, SegmentRecord } from "../model/records.ts";
import { toHex } from "../model/run-id.ts";
import { encodeSegment, readRecords, type Segment } from "../model/segment-line.ts";
import { foldSegments } from "../read/fold.ts";
import type { RunState } from "../read/state.ts";
import type { Participant } from "../read/status.ts";
import type { LocalStore } from "../stores/store.ts";
import { deadMillis, writerLock } from "./lease.ts";
import { allSegments } from "./opening.ts";

/**
 * Closes what died without a word. A writer of this very store that holds no lock and wrote nothing for 60 s is dead;
 * to close it is to append, as a new writer, a run record that names it in `ended` and a FAIL at the time of its last
 * record. Two closers at once do no harm.
 */

/** Closes every unfinished run of `store` whose writers here are all dead; gives the runs that were closed. */
export async function closeDead(store: LocalStore, now: number): Promise<string[]> {
  const closed: string[] = [];
  for await (const { run } of store.runs({ status: "PROCESSING" })) {
    const state = foldSegments(await allSegments(store, run));
    if (state !== undefined && (await closeIfDead(store, state, now))) closed.push(run);
  }
  return closed;
}

async function closeIfDead(store: LocalStore, state: RunState, now: number): Promise<boolean> {
  const open = openHere(state, await store.id());
  const silent = await withoutLock(store, open);
  if (silent.length === 0 || silent.length < open.length) return false;
  for (const writer of silent) {
    // A write in the future is one from before the clock was set back, and as old as any.
    if (Math.abs(now - ((await store.lastWrite(state.run, writer)) ?? 0)) <= deadMillis) return false;
  }
  return await close(store, state.run, silent, now, true);
}

/** At a writer's finish: closes the others of its run that hold no lock, at once. */
export async function closeSilent(store: LocalStore, run: string, now: number): Promise<void> {
  if (Object.keys(await store.position(run)).length < 2) return;
  const state = foldSegments(await allSegments(store, run));
  if (state === undefined) return;
  const silent = await withoutLock(store, openHere(state, await store.id()));
  await close(store, run, silent, now, false);
}

/**
 * Closes writers that held no lock a moment ago. Who finished meanwhile wrote that before it let its lock go: only a
 * look after the locks tells who died.
 * @param whole only where nobody else is at work on the run
 */
async function close(
  store: LocalStore,
  run: string,
  silent: readonly string[],
  now: number,
  whole: boolean,
): Promise<boolean> {
  if (silent.length === 0) return false;
  const id = await store.id();
  const seen = await store.position(run);
  const state = foldSegments(await allSegments(store, run));
  if (state === undefined) return false;
  const open = openHere(state, id).map(({ writer }) => writer);
  const dead = open.filter((writer) => silent.includes(writer));
  if (dead.length === 0 || (whole && dead.length < open.length)) return false;
  await store.append([closing(id, state, seen, dead, now)]);
  return true;
}

/** The writers of this store that have not finished, as far as is known. */
function openHere(state: RunState, id: string): Participant[] {
  return state.participants.filter((each) => each.open && each.store === id);
}

/** Of `writers` of this store, those that hold no lock now. */
export async function withoutLock(store: LocalStore, writers: readonly Participant[]): Promise<string[]> {
  const id = await store.id();
  const free: string[] = [];
  for (const { writer } of writers) {
    if (!(await store.locks.held(writerLock(id, writer)))) free.push(writer);
  }
  return free;
}

/**
 * What a writer that was away has to say, if others named it as ended meanwhile: that it goes on, and that who closed
 * it for dead counts no more.
 * @param known writers whose word was heard; more are added
 */
export async function comeBack(
  store: LocalStore,
  run: string,
  writer: string,
  known: Set<string>,
): Promise<Required<Pick<RunRecord, "seen" | "ended">> | undefined> {
  const seen = await store.position(run);
  const ended: string[] = [];
  let named = false;
  for (const other of Object.keys(seen)) {
    if (other === writer || known.has(other)) continue;
    const first = await firstOf(store, run, other, seen);
    known.add(other);
    if (!first.some((record) => record.type === "run" && record.ended?.includes(writer))) continue;
    named = true;
    if (first.some((record) => record.type === "finish" && record.dead === true)) ended.push(other);
  }
  return named ? { seen, ended } : undefined;
}

/** The records of a writer's first segment. */
async function firstOf(
  store: LocalStore,
  run: string,
  writer: string,
  seen: Position,
): Promise<readonly SegmentRecord[]> {
  for await (const segment of store.segments(run, { ...seen, [writer]: 0 })) {
    if (segment.writer === writer) return readRecords(segment);
  }
  return [];
}

/** @param seen what was here before `state` was read, so that all of it is in there */
function closing(id: string, state: RunState, seen: Position, dead: readonly string[], now: number): Segment {
  const writer = toHex(crypto.getRandomValues(new Uint8Array(6)));
  const run: RunRecord = {
    type: "run",
    time: state.updated,
    uid: state.uid,
    store: id,
    ...(state.joined && { joined: true }),
    seen,
    ended: dead,
  };
  const finish: FinishRecord = {
    type: "finish",
    status: "FAIL",
    time: state.updated,
    message: "the process or page ended without finish()",
    dead: true,
  };
  const name = { run: state.run, writer, seq: 0, clock: Math.max(now, state.clock + 1) };
  return encodeSegment(name, [JSON.stringify(run), JSON.stringify(finish)]);
}
