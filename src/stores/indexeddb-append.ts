import { isRunlogError, type RunlogError } from "../errors.ts";
import type { Segment } from "../model/segment-line.ts";
import { type Database, type RunRow, type Transaction, transact } from "./indexeddb-connection.ts";
import { lineOf } from "./indexeddb-read.ts";
import { type Held, heldOf, judge, uidOf } from "./rules.ts";

/** What an append did: the runs that changed, and the problem it stopped at. */
export interface Appended {
  readonly changed: readonly string[];
  readonly problem: RunlogError | undefined;
  /** The runs in which a writer's end came. */
  readonly ended: ReadonlySet<string>;
}

/** Applies the segments in order in one transaction, up to the first problem; those before it stay. */
export function appendTo(db: Database, segments: readonly Segment[]): Promise<Appended> {
  return transact(db, ["segments", "runs", "meta"], async (tx) => {
    const rows = new Map<string, RunRow>();
    const ended = new Set<string>();
    let problem: RunlogError | undefined;
    for (const segment of segments) {
      const row = rows.get(segment.run) ?? (await rowOf(tx, segment.run));
      try {
        if (!(await put(tx, row, segment))) continue;
        rows.set(segment.run, row);
        if (new TextDecoder().decode(segment.bytes).includes('{"type":"finish"')) ended.add(segment.run);
      } catch (error) {
        if (!isRunlogError(error)) throw error;
        problem = error;
        break;
      }
    }
    for (const row of rows.values()) await saveRow(tx, row);
    return { changed: [...rows.keys()], problem, ended };
  });
}

/** The run's row, or a fresh one. */
export async function rowOf(tx: Transaction, run: string): Promise<RunRow> {
  const row = await tx.objectStore("runs").get(run);
  return row ?? { run, uid: undefined, deleted: false, version: 0, writers: {} };
}

/** Stores the row as changed. */
export async function saveRow(tx: Transaction, row: RunRow): Promise<void> {
  const meta = tx.objectStore("meta");
  const changes = Number((await meta.get("changes")) ?? 0) + 1;
  await meta.put(changes, "changes");
  // The counter of all changes, so that a run deleted and imported again never repeats a version.
  await tx.objectStore("runs").put({ ...row, version: changes }, row.run);
}

async function put(tx: Transaction, row: RunRow, segment: Segment): Promise<boolean> {
  const { run, writer, seq } = segment;
  const next = row.writers[writer]?.next ?? 0;
  const held = seq < next ? await heldIn(tx, segment) : undefined;
  const positions = Object.fromEntries(
    Object.entries(row.writers).map(([name, state]) => [name, state.next]),
  );
  if (judge(segment, { deleted: row.deleted, uid: row.uid, next: positions }, held) === "skip") return false;
  await tx.objectStore("segments").put(compact(segment.bytes), [run, writer, seq]);
  row.uid ??= uidOf(segment);
  row.writers[writer] = { next: Math.max(next, seq + 1), lastWrite: Date.now() };
  return true;
}

async function heldIn(tx: Transaction, { run, writer, seq }: Segment): Promise<Held | undefined> {
  const segment = lineOf(await tx.objectStore("segments").get([run, writer, seq]), { run, writer, seq });
  return segment && heldOf(segment);
}

// A view is cloned with the whole buffer behind it.
function compact(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}
