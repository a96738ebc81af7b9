import { compareRun } from "../destinations/mlflow/compare.ts";
import { messageOf } from "../errors.ts";
import { createCaller } from "../http/caller.ts";
import { crc32OfText } from "../model/crc32.ts";
import { readRecords, sameSegment } from "../model/segment-line.ts";
import type { RunSummary } from "../read/summary.ts";
import type { RunLogStore } from "../stores/remote.ts";
import type { LedgerEntry, LocalStore } from "../stores/store.ts";
import type { Delivery, Destination, Difference, Differences } from "../sync/destination.ts";
import { note, print } from "./output.ts";

/**
 * `runlog sync --verify`: what a destination really holds of each delivered run, against what is here. It changes
 * nothing.
 */

/** Reports each run. @returns whether all is there as here */
export async function verifyRuns(
  store: LocalStore,
  destination: Destination,
  name: string,
  runs: readonly RunSummary[],
): Promise<boolean> {
  let alike = true;
  for (const run of runs) {
    const entry = await store.ledger.read(run.run, name);
    if (entry === undefined || entry.parked !== undefined) continue; // said already: it is not there
    try {
      const differences = await differencesOf(store, destination, name, run, entry);
      if (!tell(run.run, differences)) alike = false;
    } catch (error) {
      note(`  ${run.run}: could not be compared: ${messageOf(error)}`);
      alike = false;
    }
  }
  if (!alike) note("  what is missing comes back with `runlog sync --again`, which sends all once more");
  return alike;
}

async function differencesOf(
  store: LocalStore,
  destination: Destination,
  name: string,
  run: RunSummary,
  entry: LedgerEntry,
): Promise<Differences> {
  const asides = await store.ledger.aside(run.run, name);
  if (destination.kind === "runlog") {
    const aside = new Set(asides.map(({ writer, seq }) => `${writer} ${seq}`));
    return compareSegments(store, destination as RunLogStore, run.run, entry, aside);
  }
  const aside = new Set(asides.map(({ writer, seq, index }) => `${writer} ${seq} ${index}`));
  return compareRun(lookAt(store, destination, run, entry), aside);
}

/** A delivery that only looks. */
function lookAt(
  store: LocalStore,
  destination: Destination,
  { run, uid, joined }: RunSummary,
  ledger: LedgerEntry,
): Delivery {
  const nothing = async (): Promise<void> => undefined;
  return {
    run,
    uid,
    owner: !joined,
    signal: new AbortController().signal,
    ledger,
    call: createCaller(destination),
    segments: (from) => store.segments(run, from),
    records: readRecords,
    save: nothing,
    setAside: nothing,
    fold: () => Promise.reject(new Error("who only looks has no use for a fold")),
    crc: crc32OfText,
  };
}

/** Every segment that was confirmed, byte for byte by its checksum and length. */
async function compareSegments(
  here: LocalStore,
  there: RunLogStore,
  run: string,
  { position }: LedgerEntry,
  aside: ReadonlySet<string>,
): Promise<Differences> {
  const prints = new Map<string, { crc: string; bytes: { length: number } }>();
  for await (const { writer, seq, crc, bytes } of there.segments(run))
    prints.set(`${writer} ${seq}`, { crc, bytes: { length: bytes.length } });
  const found = { of: 0, missing: 0, other: 0, twice: 0 };
  for await (const segment of here.segments(run)) {
    const id = `${segment.writer} ${segment.seq}`;
    if (segment.seq >= (position[segment.writer]?.[0] ?? 0) || aside.has(id)) continue;
    const other = prints.get(id);
    found.of += 1;
    if (other === undefined) found.missing += 1;
    else if (!sameSegment(segment, other)) found.other += 1;
  }
  return { segments: found };
}

/** One line. @returns whether there is no difference */
function tell(run: string, differences: Differences): boolean {
  const kinds = Object.entries(differences);
  const wrong = kinds.flatMap(([kind, difference]) => partsOf(kind, difference));
  const right = kinds.filter(([kind, { of }]) => kind !== "status" && of > 0);
  const all = right.map(([kind, { of }]) => `${of} ${kind}`).join(", ");
  print(`  ${run}: ${wrong.length === 0 ? `verified ${all}` : wrong.join(", ")}`);
  return wrong.length === 0;
}

function partsOf(kind: string, { of, missing, other, twice }: Difference): string[] {
  const parts: string[] = [];
  if (missing > 0) parts.push(`${missing} of ${of} ${kind} missing`);
  if (other > 0) parts.push(kind === "status" ? "another status" : `${other} of ${of} ${kind} differ`);
  if (twice > 0) parts.push(`${twice} ${kind} twice`);
  return parts;
}
