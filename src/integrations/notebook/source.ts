import { isRun, type OpenedStore, openStore, type Run, type Store } from "runlog";
import { saidBy } from "./web-elements.ts";

/** A run that is kept in a store, by its id: what a picker gives. */
export interface Kept {
  readonly id: string;
  readonly store: Store;
}

/** What an element shows: a run that is being tracked here, or one that a store keeps. */
export type Shown = Run | Kept;

/** A look at what is shown. */
export interface Look {
  readonly store: OpenedStore;
  /** True once nothing more will come from this page. */
  readonly ended: boolean;
  /** Why the newest observations may be missing. */
  readonly note: string | undefined;
}

/** Looks now, after everything tracked so far has been written. */
export async function lookAt(shown: Shown): Promise<Look> {
  if (!isRun(shown)) return { store: openStore(shown.store), ended: false, note: undefined };
  const ended = shown.report().status !== "PROCESSING";
  const note = await shown.flush().then(() => undefined, saidBy);
  return { store: openStore(await shown.store), ended, note };
}

/** Hints that the run may have changed. */
export async function changesOf(shown: Shown, signal: AbortSignal): Promise<AsyncIterable<void>> {
  return (await shown.store).watch(shown.id, signal);
}
