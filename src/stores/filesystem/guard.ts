import type { Segment } from "../../model/segment-line.ts";
import type { Ledger } from "../store.ts";
import { storageError } from "./durable.ts";

/** Runs `work` and gives what the file system says as an error of runlog that names the folder `root`. */
export async function guarded<T>(root: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(error, root);
  }
}

export async function* guardedEach(
  root: string,
  open: () => AsyncIterable<Segment>,
): AsyncGenerator<Segment> {
  try {
    yield* open();
  } catch (error) {
    throw storageError(error, root);
  }
}

export function guardedLedger(root: string, ledger: Ledger): Ledger {
  return {
    read: (run, destination) => guarded(root, () => ledger.read(run, destination)),
    write: (run, destination, entry) => guarded(root, () => ledger.write(run, destination, entry)),
    setAside: (run, destination, item) => guarded(root, () => ledger.setAside(run, destination, item)),
    aside: (run, destination) => guarded(root, () => ledger.aside(run, destination)),
    pause: (destination) => guarded(root, () => ledger.pause(destination)),
    setPause: (destination, pause) => guarded(root, () => ledger.setPause(destination, pause)),
  };
}
