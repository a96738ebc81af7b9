import { writerLock } from "../../src/client/lease.ts";
import { statusThere } from "../../src/destinations/mlflow/finish.ts";
import { readRecords, type Segment } from "../../src/model/segment-line.ts";
import { foldSegments } from "../../src/read/fold.ts";
import { destinationName } from "../../src/sync/courier.ts";
import { type Disk, healthy } from "./disk.ts";
import { calm } from "./network.ts";
import type { OpenRun } from "./process.ts";
import { inRun, startServers, thawAll } from "./steps.ts";
import { Broken, type World } from "./world.ts";

/** After all faults: within bounded time everything is where it belongs, and then nothing moves any more. */

const minute = 60_000;
/** Past the longest Retry-After, the longest own wait and a look for older runs. */
const longestMinutes = 25;

export async function settle(world: World, idleMinutes = 15): Promise<void> {
  const { trace, network, clock } = world;
  trace.say("all faults end");
  network.weather = calm;
  for (const { disk } of [...world.machines, ...world.servers]) disk.trouble = healthy;
  startServers(world);
  thawAll(world);
  const last = world.machines.map((machine) => {
    const one = machine.boot().start({ tag: "last", syncTo: world.destinations });
    one.process.program.run(() => one.track(["loss"], 1));
    return one;
  });
  let lacking: string | undefined;
  for (let at = 0; at < longestMinutes; at++) {
    // Again each time: some were being resumed.
    for (const one of openRuns(world)) if (!one.finished && !last.includes(one)) end(world, one);
    await world.advance(minute);
    lacking = await whatLacks(world);
    if (lacking === undefined) break;
  }
  if (lacking !== undefined) throw new Broken("all arrives", lacking, trace);
  for (const one of last) end(world, one);
  await world.advance(2 * minute);
  lacking = await whatLacks(world);
  if (lacking !== undefined) throw new Broken("all arrives", lacking, trace);
  for (const { disk } of world.machines) await world.witness.look(disk);
  const before = { requests: network.requests, wakes: clock.wakes };
  await world.advance(idleMinutes * minute);
  const requests = network.requests - before.requests;
  const wakes = clock.wakes - before.wakes;
  if (requests > 0 || wakes > mostWakes(world, idleMinutes))
    throw new Broken(
      "nothing spins",
      `${requests} requests and ${wakes} timers in ${idleMinutes} idle minutes`,
      trace,
    );
}

/** A run that has nothing left to do costs no timer; one that waits for a person looks now and then. */
function mostWakes(world: World, idleMinutes: number): number {
  return openRuns(world).length * idleMinutes * 8;
}

function openRuns({ machines }: World): OpenRun[] {
  return machines.flatMap(({ processes }) => processes).flatMap(({ open }) => open);
}

function end(world: World, one: OpenRun): void {
  one.finished = true;
  inRun(world, one, () => one.run.finish(undefined, { timeout: 10_000 }));
}

async function whatLacks(world: World): Promise<string | undefined> {
  for (const { disk } of world.machines) {
    for await (const summary of disk.seen.runs()) {
      const { run, uid, status, joined, destinations } = summary;
      const segments = await segmentsOf(disk, run);
      for (const { url } of destinations) {
        const lacks = await lacksAt(world, disk, url, run, uid, segments);
        if (lacks !== undefined) return `${run} of ${disk.name}: ${lacks}`;
      }
      if (!joined && status === "PROCESSING" && summary.tag !== "last")
        return `${run} of ${disk.name} is still ${status}: ${standing(disk, segments)}`;
    }
  }
  return undefined;
}

/** Who keeps a run open. */
function standing(disk: Disk, segments: readonly Segment[]): string {
  const open = foldSegments(segments)?.participants.filter((each) => each.open) ?? [];
  return open
    .map(({ writer, store }) => {
      const holder = disk.locks.get(writerLock(store, writer));
      return `${writer} held by ${holder?.name ?? "nobody"} (${holder?.state ?? "free"})`;
    })
    .join(", ");
}

async function lacksAt(
  world: World,
  disk: Disk,
  url: string,
  run: string,
  uid: string,
  segments: readonly Segment[],
): Promise<string | undefined> {
  const destination = world.destinations.find((each) => each.url === url);
  const entry = destination && (await disk.seen.ledger.read(run, destinationName(destination)));
  const server = world.serverOf(url);
  if (server === undefined) return lacksInMlflow(world, disk, uid, segments);
  if (world.witness.isDeleted(server, run)) return undefined;
  const held = await segmentsOf(server, run);
  // Somebody resumed a run that its own machine had lost at a power cut: two runs of one id, and one of them is told so.
  const other = foldSegments(held)?.uid;
  if (entry?.parked?.code === "run_id_taken" && other !== undefined && other !== uid) return undefined;
  const there = new Map(held.map((each) => [`${each.writer}:${each.seq}`, each]));
  const missing = segments.find(({ writer, seq, crc }) => there.get(`${writer}:${seq}`)?.crc !== crc);
  if (missing !== undefined)
    return `${server.name} has no ${missing.writer}:${missing.seq}, its ledger says ${JSON.stringify(entry)}`;
  if (entry?.complete !== true) return `the ledger for ${url} is not complete: ${JSON.stringify(entry)}`;
  return undefined;
}

function lacksInMlflow(
  world: World,
  disk: Disk,
  uid: string,
  segments: readonly Segment[],
): string | undefined {
  const there = world.mlflow?.host.runs.get(uid);
  if (there === undefined) return "MLflow does not know it";
  const missing = rowsOf(segments).find((row) => !there.rows.has(row));
  if (missing !== undefined) return `MLflow has no row ${missing}`;
  // Each observation has a number of its own.
  const numbers = Array.from(there.rows, (row) => (JSON.parse(row) as unknown[])[3]);
  if (new Set(numbers).size < numbers.length) return `MLflow has an observation twice: ${numbers.join(", ")}`;
  const state = foldSegments(segments);
  const first = state?.store === disk.id && !state.joined;
  if (state === undefined || !first || state.status === "PROCESSING") return undefined;
  const status = statusThere(state);
  return there.status === status ? undefined : `MLflow says ${there.status}, it is ${status}`;
}

/** Metrics as the rows of MLflow. */
function rowsOf(segments: readonly Segment[]): string[] {
  const rows: string[] = [];
  for (const record of segments.flatMap(readRecords)) {
    if (record.type !== "metrics") continue;
    let time = 0;
    for (const [at, key] of record.key.entries()) {
      time += record.time[at] as number;
      rows.push(JSON.stringify([record.keys[key], record.step[at], time, record.value[at]]));
    }
  }
  return rows;
}

async function segmentsOf(disk: Disk, run: string): Promise<Segment[]> {
  const all: Segment[] = [];
  for await (const segment of disk.seen.segments(run)) all.push(segment);
  return all;
}
