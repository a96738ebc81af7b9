import { join, resolve } from "node:path";
import { ValidationError } from "../../errors.ts";
import { checkRunId } from "../../model/run-id.ts";
import { checkWriter } from "../rules.ts";
import { createFolders, type Folders } from "./folders.ts";

/** The names of a filesystem store: every path is made here, of checked parts. */
export interface Layout {
  /** Absolute. */
  readonly root: string;
  readonly journal: string;
  /** The store's random id; begins with a dot, as no run id does. */
  readonly id: string;
  /** Leases, where the system has no better lock. */
  readonly leases: string;
  readonly folders: Folders;
  /** What the couriers of a destination agree on while it fails. */
  pause(destination: string): string;
  run(run: string): RunLayout;
}

export interface RunLayout {
  readonly run: string;
  /** Its journal files, ledger and set-aside records. */
  readonly folder: string;
  readonly tombstone: string;
  /** The run log, for other programs. */
  readonly derived: string;
  /** The store's. */
  readonly folders: Folders;
  ledger(destination: string): string;
  aside(destination: string): string;
  journalFile(writer: string, n: number): string;
}

const destinationShape = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const fileShape = /^([0-9a-f]{12})\.(0|[1-9]\d{0,8})\.jsonl$/;

export const tombstoneName = "deleted";

/** @param folder - resolved here, once: a later `chdir` moves nothing. */
export function layoutOf(folder: string): Layout {
  const root = resolve(folder);
  const journal = join(root, ".journal");
  const folders = createFolders(root);
  return {
    root,
    journal,
    id: join(journal, ".store.json"),
    leases: join(journal, ".locks"),
    folders,
    pause: (destination) => join(journal, ".pauses", `${checkDestination(destination)}.json`),
    run: (run) => runLayout(root, journal, folders, checkRunId(run)),
  };
}

/** The writer and number in a journal file's name; undefined for any other file. */
export function parseFileName(name: string): { readonly writer: string; readonly n: number } | undefined {
  const [, writer, n] = fileShape.exec(name) ?? [];
  return writer === undefined ? undefined : { writer, n: Number(n) };
}

function runLayout(root: string, journal: string, folders: Folders, run: string): RunLayout {
  const folder = join(journal, run);
  return {
    run,
    folder,
    tombstone: join(folder, tombstoneName),
    derived: join(root, `${run}.json`),
    folders,
    ledger: (destination) => join(folder, "ledger", `${checkDestination(destination)}.json`),
    aside: (destination) => join(folder, "aside", checkDestination(destination)),
    journalFile: (writer, n) => join(folder, `${checkWriter(writer)}.${n}.jsonl`),
  };
}

function checkDestination(destination: string): string {
  if (destinationShape.test(destination)) return destination;
  throw new ValidationError("destination", "must be a kind, a dash and 8 hex digits to become a file name");
}
