import { type Destination, type LocalStore, runLogStore } from "runlog";
import { mlflow } from "runlog/mlflow";
import type { Segment } from "../../src/model/segment-line.ts";
import { destinationName } from "../../src/sync/courier.ts";
import { type Clock, withClock } from "./clock.ts";
import { type Dice, diceOf } from "./dice.ts";
import { createDisk, type Disk, type DiskHooks } from "./disk.ts";
import { openDisk } from "./disk-store.ts";
import { createNetwork, type Host, type Network } from "./network.ts";
import { createProcess, type Process } from "./process.ts";
import { createMlflow, createServer, type SimulatedMlflow, type SimulatedServer } from "./servers.ts";
import { createTrace, type Trace } from "./trace.ts";
import { createWitness, type Witness } from "./witness.ts";

/** Two machines with processes, one or two run-log servers, perhaps MLflow, and a network between them. */
export interface World {
  readonly clock: Clock;
  readonly dice: Dice;
  readonly trace: Trace;
  readonly witness: Witness;
  readonly network: Network;
  readonly machines: readonly Machine[];
  readonly servers: readonly Served[];
  readonly mlflow: { readonly host: SimulatedMlflow; readonly url: string } | undefined;
  /** What runs may be sent to. */
  readonly destinations: readonly Destination[];
  serverOf(url: string): Disk | undefined;
  /** Lets time pass; throws at the first broken promise. */
  advance(millis: number): Promise<void>;
}

export interface Machine {
  readonly disk: Disk;
  /** Those that run now. */
  readonly processes: Process[];
  /** Starts one more. */
  boot(): Process;
}

/** A run-log server with its disk. */
export interface Served {
  readonly host: SimulatedServer;
  readonly disk: Disk;
  readonly url: string;
}

/** Designs that must fail, for the tests that show that this would be seen. */
export interface Flaws {
  /** The store answers before it is durable. */
  readonly earlyClient?: boolean;
  readonly earlyServer?: boolean;
  readonly recovers?: DiskHooks["recovers"];
  readonly destination?: (destination: Destination) => Destination;
}

/** A promise that did not hold. */
export class Broken extends Error {
  readonly promise: string;

  constructor(promise: string, how: string, trace: Trace) {
    super(`"${promise}" does not hold: ${how}\n${trace.tail.join("\n")}`);
    this.promise = promise;
  }
}

const machineNames = ["laptop", "desktop"];

/** Calls `body` with the world of a seed. */
export function withWorld<T>(seed: number, flaws: Flaws, body: (world: World) => Promise<T>): Promise<T> {
  const dice = diceOf(seed);
  const trace = createTrace();
  // What programs draw does not change what happens to them.
  const { random } = diceOf(seed + 0x5eed);
  return withClock(random, trace.hash, (clock) => body(createWorld(clock, dice, trace, flaws)));
}

function createWorld(clock: Clock, dice: Dice, trace: Trace, flaws: Flaws): World {
  const witness = createWitness();
  const hosts = new Map<string, Host>();
  const network = createNetwork(clock, dice, (origin) => hosts.get(origin) as Host, trace.say);
  const serve = (name: string, port: number): Served => {
    const disk = createDisk(name, { kept: witness.kept });
    const received = (segment: Segment): void => witness.received(disk, segment);
    const open = (): LocalStore =>
      openDisk({
        clock,
        dice,
        disk,
        sync: true,
        appends: received,
        ledgers: () => undefined,
        early: flaws.earlyServer ?? false,
      });
    const host = createServer(name, clock, open);
    const url = `http://127.0.0.1:${port}`;
    hosts.set(url, host);
    return { host, disk, url };
  };
  const servers = [serve("first", 4001)];
  if (dice.chance(0.3)) servers.push(serve("second", 4002));
  const tracking = { host: createMlflow("mlflow"), url: "http://127.0.0.1:5000" };
  if (servers.length === 1) hosts.set(tracking.url, tracking.host);
  const destinations: Destination[] = servers.map(({ url }) => runLogStore(url));
  if (servers.length === 1) destinations.push(mlflow(tracking.url));
  const serverOf = (url: string): Disk | undefined => servers.find((each) => each.url === url)?.disk;
  const ledgerNames = new Map(destinations.map((each) => [destinationName(each), serverOf(each.url)]));

  const machines = machineNames.map((name, index): Machine => {
    const { recovers } = flaws;
    const disk = createDisk(name, { kept: witness.kept, ...(recovers !== undefined && { recovers }) });
    const processes: Process[] = [];
    let booted = 0;
    const open = (): LocalStore =>
      openDisk({
        clock,
        dice,
        disk,
        sync: index === 0,
        appends: witness.wrote,
        ledgers: (run, destination, entry) => witness.noted(ledgerNames.get(destination), run, entry),
        early: flaws.earlyClient ?? false,
      });
    const boot = (): Process => {
      const process = createProcess({
        name: `${name}-${++booted}`,
        clock,
        disk,
        store: open,
        fetch: network.fetchOf(name),
        witness,
        warn: (message) => trace.say(`${name} warns: ${message}`),
      });
      processes.push(process);
      return process;
    };
    return { disk, processes, boot };
  });
  return {
    clock,
    dice,
    trace,
    witness,
    network,
    machines,
    servers,
    mlflow: servers.length === 1 ? tracking : undefined,
    destinations: destinations.map((each) => flaws.destination?.(each) ?? each),
    serverOf,
    advance: (millis) =>
      clock.advance(millis, () => {
        const { problem } = witness;
        if (problem !== undefined) throw new Broken(problem.promise, problem.how, trace);
      }),
  };
}
