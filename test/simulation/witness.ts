import type { Run } from "runlog";
import type { RunReport } from "../../src/client/report.ts";
import { isPlaceholder, readRecords, type Segment } from "../../src/model/segment-line.ts";
import type { LedgerEntry } from "../../src/stores/store.ts";
import type { Disk } from "./disk.ts";

/**
 * Knows the truth and compares: what was tracked, what was said to be safe, every segment that any writer wrote, and
 * what each server has for good. It holds the first promise that was broken.
 */
export interface Witness {
  /** A client opened a run. */
  opened(run: Run): void;
  /** A client tracked an observation; its value is its number. */
  tracked(uid: string, count: number): number[];
  /** `flush()` said "disk". */
  acknowledged(disk: Disk, run: string, numbers: readonly number[]): void;
  /** A client is about to write a segment to its disk. */
  wrote(segment: Segment): void;
  /** A server is about to. */
  received(server: Disk, segment: Segment): void;
  /** A segment is on a disk for good. */
  kept(disk: Disk, segment: Segment): void;
  /** A client is about to note what a server has. */
  noted(server: Disk | undefined, run: string, entry: LedgerEntry): void;
  reported(report: RunReport, numbers: readonly number[], server: (url: string) => Disk | undefined): void;
  /** Looks at a disk whole: is everything there that was acknowledged there? */
  look(disk: Disk): Promise<void>;
  /** A run was deleted somewhere: nothing is promised of it there any more. */
  deleted(disk: Disk, run: string): void;
  isDeleted(disk: Disk, run: string): boolean;
  broken(promise: string, how: string): void;
  /** Observations tracked in all. */
  readonly made: number;
  readonly problem: { readonly promise: string; readonly how: string } | undefined;
}

export function createWitness(): Witness {
  let made = 0;
  let problem: Witness["problem"];
  /** name -> crc, of what writers wrote. */
  const written = new Map<string, string>();
  const counts = new Map<string, number>();
  /** disk and run -> numbers. */
  const safe = new Map<string, Set<number>>();
  const durable = new Map<string, Set<number>>();
  const runs: Run[] = [];
  const gone = new Set<string>();

  const broken = (promise: string, how: string): void => {
    problem ??= { promise, how };
  };
  const nameOf = ({ run, writer, seq }: Segment): string => `${run} ${writer} ${seq}`;
  const keyOf = (disk: Disk, run: string): string => `${disk.name} ${run}`;
  const setAt = (map: Map<string, Set<number>>, key: string): Set<number> => {
    const found = map.get(key) ?? new Set<number>();
    map.set(key, found);
    return found;
  };
  const lacking = (numbers: Iterable<number>, found: ReadonlySet<number>): number[] =>
    [...numbers].filter((each) => !found.has(each));

  /** A run whose store did not open lives in its process's memory, where nobody looks on. */
  const isInMemory = (run: string): boolean =>
    runs.some((each) => each.id === run && each.report().location === "memory");

  const witness: Witness = {
    opened: (run) => void runs.push(run),
    tracked(uid, count) {
      counts.set(uid, (counts.get(uid) ?? 0) + count);
      return Array.from({ length: count }, () => ++made);
    },
    acknowledged(disk, run, numbers) {
      if (gone.has(keyOf(disk, run))) return;
      const lost = lacking(numbers, setAt(durable, keyOf(disk, run)));
      if (lost.length > 0)
        broken("acknowledged is durable", `flush() of ${run} on ${disk.name}: ${lost.join(", ")}`);
      for (const each of numbers) setAt(safe, keyOf(disk, run)).add(each);
    },
    wrote(segment) {
      const before = written.get(nameOf(segment));
      if (before !== undefined && before !== segment.crc)
        broken("no number is used twice", `a writer wrote ${nameOf(segment)} again with other bytes`);
      written.set(nameOf(segment), segment.crc);
    },
    received(server, segment) {
      if (isPlaceholder(segment) || written.get(nameOf(segment)) === segment.crc) return;
      if (!isInMemory(segment.run))
        broken("servers hold what was written", `${server.name} got ${nameOf(segment)} that nobody wrote`);
    },
    kept(disk, segment) {
      for (const each of numbersIn(segment)) setAt(durable, keyOf(disk, segment.run)).add(each);
    },
    noted(server, run, entry) {
      if (server === undefined || gone.has(keyOf(server, run))) return;
      for (const [writer, [seq]] of Object.entries(entry.position)) {
        const there = server.durableNext(run, writer);
        if (seq > there)
          broken(
            "confirmed is durable there",
            `the ledger of ${run} says ${writer}:${seq}, ${server.name} has ${there}`,
          );
      }
    },
    reported(report, numbers, serverOf) {
      const all = counts.get(report.uid) ?? 0;
      if (report.tracked !== numbers.length || report.refused !== 0)
        broken("reports are true", `tracked ${numbers.length}: ${JSON.stringify(report)}`);
      for (const [url, each] of Object.entries(report.destinations)) {
        const server = serverOf(url);
        const there = server && setAt(durable, keyOf(server, report.run));
        const most = there === undefined || gone.has(keyOf(server as Disk, report.run)) ? all : there.size;
        const sum = each.delivered + each.setAside;
        if (sum > most || each.pending > all)
          broken("reports are true", `${url} has ${most} of ${all}: ${JSON.stringify(each)}`);
        if (there === undefined || each.state !== "done") continue;
        const lost = lacking(numbers, there);
        if (lost.length > 0 && !gone.has(keyOf(server as Disk, report.run)))
          broken("done means there", `${url} lacks ${lost.join(", ")}: ${JSON.stringify(each)}`);
      }
    },
    async look(disk) {
      for (const [key, numbers] of safe) {
        const [name, run = ""] = key.split(" ");
        if (name !== disk.name || gone.has(key)) continue;
        const found = new Set<number>();
        for await (const segment of disk.seen.segments(run))
          for (const each of numbersIn(segment)) found.add(each);
        const lost = lacking(numbers, found);
        if (lost.length > 0) broken("acknowledged stays", `${disk.name} lacks ${lost.join(", ")} of ${run}`);
      }
    },
    deleted(disk, run) {
      gone.add(keyOf(disk, run));
    },
    isDeleted: (disk, run) => gone.has(keyOf(disk, run)),
    broken,
    get made() {
      return made;
    },
    get problem() {
      return problem;
    },
  };
  return witness;
}

/** The observations of a segment, each known by its value. */
export function numbersIn(segment: Segment): number[] {
  return readRecords(segment).flatMap((record) => {
    if (record.type === "metrics") return record.value.map(Number);
    return record.type === "value" ? [Number(String(record.json).slice(1))] : [];
  });
}
