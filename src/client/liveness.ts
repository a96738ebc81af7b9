import type { FinishRecord, RunRecord } from "../model/records.ts";
import { toHex } from "../model/run-id.ts";
import { encodeSegment, type Segment } from "../model/segment-line.ts";
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
  const id = await store.id();
  const open = state.participants.filter((each) => each.open && each.store === id);
  const silent = await withoutLock(store, open);
  if (silent.length === 0 || silent.length < open.length) return false;
  for (const writer of silent) {
    // A write in the future is one from before the clock was set back, and as old as any.
    if (Math.abs(now - ((await store.lastWrite(state.run, writer)) ?? 0)) <= deadMillis) return false;
  }
  await store.append([await closing(store, id, state, silent, now)]);
  return true;
}

/** At a writer's finish: closes the others of its run that hold no lock, at once. */
export async function closeSilent(store: LocalStore, run: string, now: number): Promise<void> {
  if (Object.keys(await store.position(run)).length < 2) return;
  const state = foldSegments(await allSegments(store, run));
  if (state === undefined) return;
  const id = await store.id();
  const silent = await withoutLock(
    store,
    state.participants.filter((each) => each.open && each.store === id),
  );
  if (silent.length > 0) await store.append([await closing(store, id, state, silent, now)]);
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

async function closing(
  store: LocalStore,
  id: string,
  state: RunState,
  dead: readonly string[],
  now: number,
): Promise<Segment> {
  const writer = toHex(crypto.getRandomValues(new Uint8Array(6)));
  const run: RunRecord = {
    type: "run",
    time: state.updated,
    uid: state.uid,
    store: id,
    ...(state.joined && { joined: true }),
    seen: await store.position(state.run),
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
