import { isRunlogError, messageOf } from "../errors.ts";
import { memoryStore } from "../stores/memory.ts";
import { memoryUntil } from "../stores/memory-until.ts";
import type { LocalStore } from "../stores/store.ts";
import type { Problem } from "../sync/destination.ts";
import { notedId, noteId } from "./noted-id.ts";
import { storageProblem } from "./report.ts";

/** Where a run is kept: the store that was wanted, or memory, for good or until that store opens. */
export interface Home {
  readonly store: LocalStore;
  /** The store's id. */
  id: string;
  /** Whether the store holds a run of the id that was asked for. */
  readonly taken: boolean;
  /** Why it is in memory only, or that earlier runs are gone. */
  problem: Problem | undefined;
  /** The id is noted outside of the store. */
  noted: boolean;
}

/** The wanted store if it opens, else memory and a word why. */
export async function openHome(
  wanted: LocalStore | undefined,
  run: string,
  warn: (message: string) => void,
): Promise<Home> {
  let why = "there is no storage here (private window, or a runtime without IndexedDB and file system)";
  if (wanted !== undefined) {
    try {
      const id = await wanted.id();
      const taken = wanted.has === undefined && (await holds(wanted, run));
      return { store: wanted, id, taken, problem: evicted(wanted, id), noted: false };
    } catch (error) {
      if (!isRunlogError(error)) throw error;
      why = messageOf(error);
    }
  }
  warn(`runlog keeps this run in memory only: ${why}`);
  return inMemory(wanted, why);
}

/** False also where the store cannot be read now: its append refuses a taken id as well, and the run is renamed then. */
async function holds(store: LocalStore, run: string): Promise<boolean> {
  try {
    return Object.keys(await store.position(run)).length > 0;
  } catch (error) {
    if (isRunlogError(error)) return false;
    throw error;
  }
}

async function inMemory(wanted: LocalStore | undefined, why: string): Promise<Home> {
  const problem = storageProblem("memory", why);
  const memory = memoryStore();
  // In a page the database that is shut now may open later; its runs name it by its id.
  if (wanted?.kind !== "indexeddb")
    return { store: memory, id: await memory.id(), taken: false, problem, noted: false };
  const store = memoryUntil(wanted, memory, notedId(wanted.location), (id) => {
    home.id = id;
    home.problem = evicted(wanted, id);
  });
  const home: Home = { store, id: await store.id(), taken: false, problem, noted: false };
  return home;
}

/** The run is in the store: from now on it would be missed. */
export function noteHome(home: Home): void {
  if (home.noted || home.store.kind !== "indexeddb") return;
  home.noted = true;
  noteId(home.store.location, home.id);
}

function evicted({ kind, location }: LocalStore, id: string): Problem | undefined {
  if (kind !== "indexeddb" || (notedId(location) ?? id) === id) return undefined;
  return {
    code: "storage_evicted",
    message: `the earlier runs in database '${location}' are gone: the browser or somebody removed them`,
    action: "ask the browser to keep what is tracked from now on: openStore().persist()",
  };
}
