import type { RunRecord } from "../model/records.ts";
import { foldSegments } from "../read/fold.ts";
import type { RunState } from "../read/state.ts";
import type { LocalStore } from "../stores/store.ts";
import { withoutLock } from "./liveness.ts";
import { allSegments, type Opening, openOrMemory, type RunStart } from "./opening.ts";

/** Opens a run of this store, or of another host, as one more writer. */
export interface ResumeParts {
  readonly store: LocalStore | undefined;
  readonly run: string;
  /** The uid when the run began on another host. */
  readonly joins: string | undefined;
  readonly start: RunStart;
  readonly warn: (message: string) => void;
}

export interface Resumed {
  readonly opening: Opening;
  readonly uid: string;
  readonly owner: boolean;
  readonly before: number;
}

/** What the store holds decides: a run that is not here yet begins here, or joins when a uid was given. */
export async function openExisting(parts: ResumeParts): Promise<Resumed> {
  const { run, joins } = parts;
  let problem: string | undefined;
  const [store, id] = await openOrMemory(parts.store, (why) => {
    problem = why;
    parts.warn(`runlog keeps this run in memory only: ${why}`);
  });
  const state = foldSegments(await allSegments(store, run));
  const uid = joins ?? state?.uid ?? parts.start.uid;
  const record: RunRecord = {
    ...parts.start,
    ...(state !== undefined && (await changedOnly(store, state, parts.start))),
    uid,
    store: id,
    ...(joins !== undefined && state === undefined && { joined: true }),
  };
  const opened = { store, run, first: JSON.stringify(record), clock: (state?.clock ?? 0) + 1 };
  const opening: Opening = {
    opened: Promise.resolve(opened),
    openedSync: () => opened,
    rename: () => run,
    run,
    renamedFrom: undefined,
    problem,
    again: (now) => ({ ...record, time: now }),
  };
  const owner = state === undefined ? joins === undefined : state.store === id && !state.joined;
  return { opening, uid, owner, before: state?.observations ?? 0 };
}

/** What a further writer says of a run that it continues: what it saw, who had ended, and nothing that stands. */
async function changedOnly(store: LocalStore, state: RunState, start: RunStart): Promise<Partial<RunRecord>> {
  return {
    tag: start.tag ?? undefined,
    seen: await store.position(state.run),
    ended: await withoutLock(store, state),
  };
}
