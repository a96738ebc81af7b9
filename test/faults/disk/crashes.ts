/**
 * A store that dies again and again at a random call, by a kill or a power cut, and is opened again: whatever it said
 * to keep is looked for each time. Everything hangs on the seed.
 */
import { vi } from "vitest";
import { isRunlogError } from "../../../src/errors.ts";
import type { Segment } from "../../../src/model/segment-line.ts";
import { filesystemStore } from "../../../src/stores/filesystem/index.ts";
import type { LedgerEntry, LocalStore } from "../../../src/stores/store.ts";
import { segmentOf, writerOf } from "../../contract/segments.ts";
import { randomFrom } from "../random.ts";
import { modelled, modelRoot } from "./calls.ts";
import { createPromises, type Promises } from "./kept.ts";
import { createMemoryDisk, type MemoryDisk } from "./memory-disk.ts";
import type { DiskCall, Fault } from "./process.ts";

const runs = ["one", "two"] as const;
const doomed = "doomed";
const faults: readonly Fault[] = [{ code: "EIO" }, { code: "ENOSPC" }, { code: "EMFILE" }, "short"];

/** A life of a process on the disk. */
interface Life {
  readonly random: () => number;
  readonly store: LocalStore;
  /** A second process, or another instance in the same one. */
  readonly other: LocalStore;
  readonly promises: Promises;
  /** Its own, as a client makes at each start; the server's below it go on from life to life. */
  readonly ownWriter: number;
}

export interface CrashOptions {
  /** Flushes that say "done" and do nothing: to show that this test notices. */
  readonly ignores?: (call: DiskCall) => boolean;
  /** Some calls fail, besides. */
  readonly faults?: boolean;
}

/** Gives what was not kept, a line each. */
export async function crashes(seed: number, options: CrashOptions): Promise<string[]> {
  const random = randomFrom(seed);
  const weather = { failing: false };
  const fault = (): Fault | undefined =>
    weather.failing && random() < 0.04 ? pick(random, faults) : undefined;
  const disk = createMemoryDisk({ random, fault, ...(options.ignores && { ignores: options.ignores }) });
  const promises = createPromises();
  const check = (store: LocalStore): Promise<void> =>
    promises.check(store, disk).catch((error: unknown) => {
      promises.broken.push(`it cannot be read: ${String(error)}`);
    });
  const lives = 3 + Math.floor(random() * 4);
  for (let number = 0; number < lives; number++) {
    await modelled.run(disk.start(), async () => {
      const store = filesystemStore(modelRoot);
      await check(store);
      weather.failing = options.faults === true;
      await live(
        { random, store, other: filesystemStore(modelRoot), promises, ownWriter: 10 + number },
        disk,
      );
    });
    const fate = random() < 0.35 ? undefined : (["drop", "keep", "mix"] as const)[Math.floor(random() * 3)];
    weather.failing = false;
    await disk.restart(fate);
    vi.clearAllTimers();
  }
  await modelled.run(disk.start(), () => check(filesystemStore(modelRoot)));
  return promises.broken;
}

async function live(life: Life, disk: MemoryDisk): Promise<void> {
  const { random, promises } = life;
  const death =
    random() < 0.8 ? disk.dieAt(1 + Math.floor(random() ** 2 * 150)) : new Promise<void>(() => {});
  const allowed = (error: unknown): void => {
    if (!refusesWell(error, disk)) promises.broken.push(`it failed without a reason: ${String(error)}`);
  };
  const acting = async (): Promise<void> => {
    for (let left = 1 + Math.floor(random() * 12); left > 0; left--) {
      const many = random() < 0.3 ? 3 : 1;
      await Promise.all(Array.from({ length: many }, () => act(life).catch(allowed)));
    }
    if (random() < 0.3) exitHook(life);
  };
  await Promise.race([death, acting().catch(allowed)]);
}

/** The disk may refuse, and says so; nothing else may go wrong. */
function refusesWell(error: unknown, disk: MemoryDisk): boolean {
  return disk.dead || (disk.faults > 0 && isRunlogError(error) && /^storage_/.test(error.code));
}

async function act(life: Life): Promise<void> {
  const { random, store, other, promises } = life;
  const kind = random();
  const run = pick(random, runs);
  if (kind < 0.55) return append(life, random() < 0.8 ? store : other, run);
  if (kind < 0.65) return writeLedger(life, run);
  if (kind < 0.7) return setAside(life, run);
  if (kind < 0.85) return void vi.advanceTimersByTime(10_000);
  if (kind < 0.9) return append(life, store, doomed).catch(() => undefined);
  if (kind < 0.93) return deleteRun(life);
  if (kind < 0.96) return store.close();
  await promises.check(random() < 0.5 ? store : other);
}

/** The next segments of a writer, and now and then some that are here already. */
async function segmentsNext(life: Life, store: LocalStore, run: string): Promise<Segment[]> {
  const { random, ownWriter } = life;
  const writer = random() < 0.5 ? ownWriter : Math.floor(random() * 2);
  const next = (await store.position(run))[writerOf(writer)] ?? 0;
  const from = random() < 0.3 ? Math.floor(random() * (next + 1)) : next;
  const to = next + 1 + Math.floor(random() * 3);
  return Array.from({ length: to - from }, (_, at) => segment(run, writer, from + at));
}

/** The same at each call: who sends it again sends the same bytes. */
function segment(run: string, writer: number, seq: number): Segment {
  const finish = { type: "finish", status: "SUCCESS", time: 1_700_000_000_000 };
  return segmentOf({ run, writer, seq, fill: (seq * 331) % 1_500, records: seq % 7 === 6 ? [finish] : [] });
}

async function append(life: Life, store: LocalStore, run: string): Promise<void> {
  const segments = await segmentsNext(life, store, run);
  life.promises.sent(segments);
  // As every client does: the store's id is in what it writes.
  const id = await store.id();
  await store.append(segments);
  life.promises.kept(segments);
  // One that was made while the disk was full was this instance's alone.
  if ((await store.id()) === id) life.promises.keptId(id);
}

/** What a process does in its last moment, whatever is under way. */
function exitHook({ random, store, promises, ownWriter }: Life): void {
  const run = pick(random, runs);
  const next = promises.nextOf(run, writerOf(ownWriter));
  const segments = [segment(run, ownWriter, next), segment(run, ownWriter, next + 1)];
  promises.sent(segments);
  store.appendSync?.(segments);
  promises.kept(segments);
}

async function writeLedger({ random, store, promises }: Life, run: string): Promise<void> {
  const entry: LedgerEntry = {
    url: "http://127.0.0.1:1",
    position: { [writerOf(0)]: [Math.floor(random() * 100), 0] },
    delivered: Math.floor(random() * 1_000_000),
    setAside: 0,
    state: { filling: "x".repeat(Math.floor(random() * 3_000)) },
  };
  const kept = promises.replacing(`ledger ${run}`, JSON.stringify(entry));
  await store.ledger.write(run, "http-12345678", entry);
  kept();
}

async function setAside({ random, store, promises }: Life, run: string): Promise<void> {
  const item = { writer: writerOf(0), seq: Math.floor(random() * 5), index: 0, reason: "no", item: { x: 1 } };
  const kept = promises.replacing(`aside ${run} ${item.seq}`, JSON.stringify(item));
  await store.ledger.setAside(run, "http-12345678", item);
  kept();
}

async function deleteRun({ store, promises }: Life): Promise<void> {
  const kept = promises.replacing("deleted", doomed);
  await store.delete(doomed);
  kept();
}

function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}
