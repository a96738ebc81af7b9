import { existsSync } from "node:fs";
import type { Segment } from "../../model/segment-line.ts";
import { nodeLocks } from "../node-locks.ts";
import type { LocalStore, Store } from "../store.ts";
import { createSummaries } from "../summaries.ts";
import { createHints, watchChanges } from "../watch.ts";
import { appendSync } from "./append-sync.ts";
import { deleteRun } from "./delete.ts";
import { storageError } from "./durable.ts";
import { guarded, guardedEach, guardedLedger } from "./guard.ts";
import { layoutOf } from "./layout.ts";
import { fileLedger } from "./ledger.ts";
import { createStoreId } from "./provisional-id.ts";
import { createRuns } from "./runs.ts";
import { signatureOf } from "./signature.ts";

/**
 * A store in a folder, which several processes may share: each appends only to files that it created. Writing makes
 * the folder; reading makes nothing, and finds nothing where there is none. A folder that cannot be used gives
 * `storage_unavailable` or `storage_full`, with its path and what to do.
 *
 * @param folder - resolved at this call. Runs are journals in `<folder>/.journal/<run>/`; `<folder>/<run>.json` is the
 *   run log for other programs, written at finish and at a task's end, else at most every 10 s.
 */
export function filesystemStore(folder = ".run_log_store"): LocalStore {
  const layout = layoutOf(folder);
  const { root } = layout;
  const hints = createHints();
  const runs = createRuns(layout);
  const id = createStoreId(layout);
  const guard = <T>(work: () => Promise<T>): Promise<T> => guarded(root, work);
  const segments: Store["segments"] = (run, from = {}) =>
    guardedEach(root, () => runs.of(run).journal.segments(from));
  const watched = { hints, signature: (run?: string) => signatureOf(layout, run) };

  return {
    kind: "filesystem",
    location: root,
    ledger: guardedLedger(root, fileLedger(layout)),
    locks: nodeLocks(layout.leases),
    segments,
    runs: createSummaries({ versions: () => guard(runs.versions), segments }),
    id: () => guard(id.open),
    idSync() {
      try {
        return id.openSync();
      } catch (error) {
        throw storageError(error, root);
      }
    },
    has: (run) => existsSync(layout.run(run).folder) || existsSync(layout.run(run).derived),
    append: (given) =>
      guard(async () => {
        for (const [run, own] of groupsByRun(given)) {
          await runs.append(run, own, id.publish).finally(() => hints.emit(run));
        }
      }),
    appendSync(given) {
      try {
        id.publishSync();
        for (const [run, own] of groupsByRun(given)) appendSync(runs.of(run).journal, own);
      } catch (error) {
        throw storageError(error, root);
      }
    },
    position: (run) => guard(() => runs.of(run).journal.position()),
    delete: (run) =>
      guard(async () => {
        await deleteRun(layout.run(run), () => runs.of(run).derived.drop());
        hints.emit(run);
      }),
    watch: (run, signal) => watchChanges(watched, run, signal),
    lastWrite: (run, writer) => guard(() => runs.of(run).journal.lastWrite(writer)),
    touch: (run, writer) => guard(() => runs.of(run).journal.touch(writer)),
    close: () => guard(() => runs.close()).finally(() => hints.close()),
  };
}

/** Neighbours of one run together, in order. */
function groupsByRun(segments: readonly Segment[]): [string, Segment[]][] {
  const groups: [string, Segment[]][] = [];
  for (const segment of segments) {
    const last = groups.at(-1);
    if (last?.[0] === segment.run) last[1].push(segment);
    else groups.push([segment.run, [segment]]);
  }
  return groups;
}
