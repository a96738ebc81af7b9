/** What a store promised to keep, and whether it did. */
import type { Segment } from "../../../src/model/segment-line.ts";
import { isPlaceholder } from "../../../src/model/segment-line.ts";
import type { LocalStore } from "../../../src/stores/store.ts";
import { textOf } from "../../contract/segments.ts";
import { modelRoot } from "./calls.ts";
import type { MemoryDisk } from "./memory-disk.ts";

export interface Promises {
  /** What was not kept, a line each. */
  readonly broken: string[];
  /** Segments that may be there from now on. */
  sent(segments: readonly Segment[]): void;
  /** Segments that must be there from now on. */
  kept(segments: readonly Segment[]): void;
  keptId(id: string): void;
  /** A value that takes another one's place; gives what tells that it has to be there. */
  replacing(name: string, value: string): () => void;
  /** The number after every one that was sent. */
  nextOf(run: string, writer: string): number;
  /** Compares with what `store` has; with a disk, its other files as well. */
  check(store: LocalStore, disk?: MemoryDisk): Promise<void>;
}

export function createPromises(): Promises {
  const broken: string[] = [];
  /** run/writer/seq -> the line. */
  const sent = new Map<string, string>();
  const kept = new Set<string>();
  const values = new Map<string, { old: string | undefined; tried: Set<string> }>();
  let id: string | undefined;

  const wrong = (what: string): void => void broken.push(what.slice(0, 300));
  const nameOf = ({ run, writer, seq }: Segment): string => `${run}/${writer}/${seq}`;

  const checkRun = async (store: LocalStore, run: string): Promise<void> => {
    // As of now: appends may be under way.
    const expected = [...kept].filter((name) => name.startsWith(`${run}/`));
    const position = await store.position(run);
    const found = new Set<string>();
    for await (const segment of store.segments(run)) {
      const name = nameOf(segment);
      if (found.has(name)) wrong(`${name} came twice`);
      found.add(name);
      if (isPlaceholder(segment) && !kept.has(name)) continue;
      if (sent.get(name) !== textOf(segment)) wrong(`${name} is not what was written: ${textOf(segment)}`);
    }
    for (const name of expected) if (!found.has(name)) wrong(`${name} is lost`);
    for (const [writer, next] of Object.entries(position)) {
      for (let seq = 0; seq < next; seq++) {
        if (!found.has(`${run}/${writer}/${seq}`)) wrong(`${run}/${writer}/${seq} was not read`);
      }
    }
  };
  /** A value is the old one or one that was tried since, never a part. */
  const checkValue = (name: string, found: string | undefined): void => {
    const { old, tried } = values.get(name) ?? { old: undefined, tried: new Set() };
    if (found !== old && !(found !== undefined && tried.has(found))) wrong(`${name} is ${found}, was ${old}`);
  };

  const checkLedger = async ({ ledger }: LocalStore, run: string): Promise<void> => {
    const entry = await ledger.read(run, "http-12345678");
    checkValue(`ledger ${run}`, entry && JSON.stringify(entry));
    const items = await ledger.aside(run, "http-12345678");
    for (const name of values.keys()) {
      const [kind, of, seq] = name.split(" ");
      if (kind !== "aside" || of !== run) continue;
      const item = items.find((each) => each.seq === Number(seq));
      checkValue(name, item && JSON.stringify(item));
    }
  };
  const checkDeleted = async (store: LocalStore, disk: MemoryDisk): Promise<void> => {
    if (values.get("deleted")?.old === undefined) return;
    if (Object.keys(await store.position("doomed")).length > 0) wrong("a deleted run came back");
    if (disk.names(modelRoot).includes("doomed.json")) wrong("the run log of a deleted run came back");
  };
  const checkRunLogs = (disk: MemoryDisk): void => {
    for (const name of disk.names(modelRoot)) {
      if (!name.endsWith(".json")) continue;
      const text = String(disk.content(`${modelRoot}/${name}`));
      if (!isJson(text)) wrong(`${name} is torn: ${text}`);
    }
  };

  return {
    broken,
    sent(segments) {
      for (const segment of segments) sent.set(nameOf(segment), textOf(segment));
    },
    kept(segments) {
      for (const segment of segments) if (segment.run !== "doomed") kept.add(nameOf(segment));
    },
    keptId(found) {
      if (id !== undefined && id !== found) wrong(`the store's id became ${found}, was ${id}`);
      id = found;
    },
    replacing(name, value) {
      const known = values.get(name) ?? { old: undefined, tried: new Set<string>() };
      values.set(name, known);
      known.tried.add(value);
      return () => {
        known.old = value;
        // Others that are under way may still take its place.
      };
    },
    nextOf: (run, writer) => [...sent.keys()].filter((name) => name.startsWith(`${run}/${writer}/`)).length,
    async check(store, disk) {
      for (const run of ["one", "two"]) {
        await checkRun(store, run);
        await checkLedger(store, run);
      }
      if (disk === undefined) return;
      checkRunLogs(disk);
      await checkDeleted(store, disk);
      if (id !== undefined) this.keptId(await store.id());
    },
  };
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}
