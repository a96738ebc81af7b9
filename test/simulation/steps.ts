import type { Program } from "./clock.ts";
import { healthy, type Trouble } from "./disk.ts";
import { inside } from "./inside.ts";
import { calm, type Weather } from "./network.ts";
import type { OpenRun, Process } from "./process.ts";
import type { Machine, World } from "./world.ts";

/** What may happen next, and how often. */
type Step = (world: World) => void;

const hour = 3_600_000;

const steps: readonly (readonly [weight: number, name: string, step: Step])[] = [
  [40, "track", (world) => withRun(world, track)],
  [10, "flush", (world) => withRun(world, (_, run) => inRun(world, run, () => run.flush()))],
  [8, "start", start],
  [4, "boot", boot],
  [5, "finish", (world) => withRun(world, finish)],
  [
    3,
    "sync",
    (world) => withRun(world, (_, run) => inRun(world, run, () => run.run.sync({ timeout: 5_000 }))),
  ],
  [4, "resume a run", (world) => void resume(world)],
  [4, "resume a key", resumeKey],
  [3, "join", join],
  [5, "report", (world) => withRun(world, report)],
  [3, "kill", (world) => withProcess(world, ({ program }) => program.end())],
  [2, "exit", (world) => withProcess(world, exit)],
  [
    2,
    "hide",
    (world) => withProcess(world, ({ program, watched }) => each(program, watched, (one) => one.flush())),
  ],
  [
    1,
    "online",
    (world) => withProcess(world, ({ program, watched }) => each(program, watched, (one) => one.online())),
  ],
  [2, "freeze", (world) => withProcess(world, ({ program }) => program.freeze())],
  [4, "thaw", (world) => thawAll(world)],
  [2, "kill a server", (world) => world.dice.pick(world.servers)?.host.crash()],
  [1, "freeze a server", (world) => world.dice.pick(world.servers)?.host.program.freeze()],
  [5, "start servers", startServers],
  [1, "cut a server's power", cutServer],
  [1, "cut a machine's power", cutMachine],
  [5, "weather", changeWeather],
  [4, "disks", changeDisks],
  [
    1,
    "clock",
    (world) =>
      world.clock.jump(world.dice.pick([-hour, hour, -1_000, 90_000, 30 * 24 * hour, -400 * 24 * hour]) ?? 0),
  ],
  [1, "lose a lock", loseLock],
  [0.5, "delete here", deleteHere],
  [0.5, "delete there", deleteThere],
];

/** One step, then some time. */
export async function takeStep(world: World): Promise<void> {
  const { dice, machines } = world;
  const index = dice.weighted(steps.map(([weight], at) => [weight, at] as const));
  const [, name, step] = steps[index] as (typeof steps)[number];
  world.trace.say(`step: ${name}`);
  step(world);
  for (const { processes } of machines) drop(processes, ({ program }) => program.state === "ended");
  await world.advance(
    dice.weighted([
      [75, dice.small(400)],
      [20, dice.small(6_000)],
      [4, dice.small(100_000)],
      [0.3, dice.small(hour)],
    ]),
  );
}

function drop<T>(from: T[], goes: (item: T) => boolean): void {
  from.splice(0, from.length, ...from.filter((each) => !goes(each)));
}

/** Runs `body` as the run's process. */
export function inRun(world: World, one: OpenRun, body: () => unknown): void {
  one.process.program.run(() => inside(world, body));
}

function each<T>(program: Program, items: Iterable<T>, body: (item: T) => void): void {
  program.run(() => {
    for (const item of [...items]) body(item);
  });
}

function running(world: World): Process[] {
  return world.machines
    .flatMap(({ processes }) => processes)
    .filter(({ program }) => program.state === "running");
}

function withProcess(world: World, body: (process: Process) => void): void {
  const process = world.dice.pick(running(world));
  if (process !== undefined) body(process);
}

function withRun(world: World, body: (world: World, run: OpenRun) => void): void {
  const run = world.dice.pick(running(world).flatMap(({ open }) => open));
  if (run !== undefined) body(world, run);
}

function track(world: World, one: OpenRun): void {
  const { dice } = world;
  if (one.finished && dice.chance(0.9)) return;
  one.process.program.run(() => {
    for (let times = dice.small(6); times >= 0; times--) {
      const keys = ["loss", "accuracy", "note"].filter(() => dice.chance(0.5));
      if (keys.length > 0) one.track(keys, dice.chance(0.2) ? undefined : dice.small(20));
    }
  });
}

function boot({ dice, machines }: World): void {
  const machine = dice.pick(machines);
  if (machine !== undefined && machine.processes.length < 3) machine.boot();
}

function start(world: World): void {
  const { dice, destinations } = world;
  if (running(world).length === 0) boot(world);
  withProcess(world, (process) => {
    if (process.open.length >= 3) return;
    const syncTo = destinations.filter(() => dice.chance(0.8));
    process.start({ tag: "simulated", syncTo, parameters: { lr: dice.small(3) } });
  });
}

function finish(world: World, one: OpenRun): void {
  one.finished = true;
  inRun(world, one, () => one.run.finish(world.dice.chance(0.2) ? "FAIL" : undefined, { timeout: 3_000 }));
}

function report(world: World, one: OpenRun): void {
  one.process.program.run(() => world.witness.reported(one.run.report(), one.numbers, world.serverOf));
}

/** Another process of the same machine, or the same, goes on with a run. */
function resume(world: World): void {
  const { dice } = world;
  withProcess(world, (process) => {
    const others = world.machines.find(({ disk }) => disk === process.disk)?.processes ?? [];
    const run = dice.pick(others.flatMap(({ open }) => open));
    const isHere = run !== undefined && process.disk.seen.has?.(run.run.id) === true;
    if (run === undefined || !isHere || process.open.length >= 3) return;
    const rewindTo = dice.chance(0.3) ? dice.small(10) : undefined;
    again(world, process, () => process.resume({ runId: run.run.id, syncTo: world.destinations, rewindTo }));
  });
}

function resumeKey(world: World): void {
  const { dice } = world;
  withProcess(world, (process) => {
    if (process.open.length >= 3) return;
    const letsGo = dice.chance(0.3) ? dice.small(30_000) : undefined;
    const rewindTo = dice.chance(0.5) ? 0 : undefined;
    again(world, process, () => {
      const signal = letsGo === undefined ? undefined : abortedIn(letsGo);
      return process.resume({ key: "cell", syncTo: world.destinations, rewindTo, signal });
    });
  });
}

/** The other machine joins a run by its uid. */
function join(world: World): void {
  const { dice } = world;
  withProcess(world, (process) => {
    const run = dice.pick(
      running(world)
        .filter(({ disk }) => disk !== process.disk)
        .flatMap(({ open }) => open),
    );
    if (run === undefined || process.open.length >= 3) return;
    const { id: runId, uid } = run.run;
    again(world, process, () => process.resume({ runId, uid, syncTo: world.destinations }));
  });
}

/** A disk that cannot be read lets nobody resume; that is said by a rejection. */
function again(world: World, { program }: Process, body: () => Promise<OpenRun>): void {
  void program.run(async () => {
    try {
      await body();
    } catch (error) {
      const expected = /refuses|was deleted|has another uid/.test(String(error));
      world.trace.say(`${program.name} cannot resume: ${String(error)}`);
      if (!expected) world.witness.broken("nothing throws", String(error));
    }
  });
}

function abortedIn(millis: number): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), millis);
  return controller.signal;
}

/** As a process that is told to end: all that is synchronous happens. */
function exit({ program, watched, open }: Process): void {
  each(program, watched, (one) => one.end("FAIL", { signal: "SIGTERM" }));
  for (const one of open) one.finished = true;
  program.end();
}

export function thawAll({ machines, servers }: World): void {
  for (const { processes } of machines) for (const { program } of processes) program.thaw();
  for (const { host } of servers) host.program.thaw();
}

export function startServers({ servers }: World): void {
  for (const { host } of servers) {
    host.program.thaw();
    host.start();
  }
}

function cutServer({ dice, servers }: World): void {
  const server = dice.pick(servers);
  server?.host.crash();
  server?.disk.powerCut(dice);
}

function cutMachine({ dice, machines }: World): void {
  const machine = dice.pick(machines) as Machine;
  for (const { program } of machine.processes) program.end();
  machine.disk.powerCut(dice);
}

function changeWeather({ dice, network, machines, servers }: World): void {
  const bad = (): number => (dice.chance(0.5) ? dice.random() * 0.3 : 0);
  const cut = machines.flatMap(({ disk }) => servers.map(({ host }) => `${disk.name} ${host.name}`));
  const weather: Weather = {
    delay: dice.pick([5, 50, 2_000]) ?? 5,
    lost: bad(),
    lostReply: bad(),
    twice: bad(),
    busy: bad(),
    hidden: bad(),
    cut: new Set(cut.filter(() => dice.chance(0.2))),
  };
  network.weather = dice.chance(0.4) ? calm : weather;
}

function changeDisks({ dice, machines, servers }: World): void {
  for (const { disk } of [...machines, ...servers]) {
    const bad: Trouble = {
      slow: dice.pick([2, 50, 3_000]) ?? 2,
      refuses: dice.pick([0, 0.2, 1]) ?? 0,
      fails: dice.pick([0, 0.2]) ?? 0,
      code: dice.chance(0.5) ? "storage_full" : "storage_unavailable",
      locks: dice.pick([0, 0, 0.1]) ?? 0,
    };
    disk.trouble = dice.chance(0.7) ? healthy : bad;
  }
}

/** Its holder goes on and knows nothing. */
function loseLock({ dice, machines }: World): void {
  const locks = dice.pick(machines)?.disk.locks;
  const name = dice.pick([...(locks?.keys() ?? [])].filter((each) => each.startsWith("courier:")));
  if (name !== undefined) locks?.delete(name);
}

function deleteHere(world: World): void {
  withRun(world, (_, one) => {
    const { disk } = one.process;
    world.witness.deleted(disk, one.run.id);
    void one.process.program.run(async () => {
      const store = await one.run.store;
      await store.delete(one.run.id).catch((error: unknown) => world.trace.say(String(error)));
    });
  });
}

/** By somebody at the server. */
function deleteThere(world: World): void {
  withRun(world, (_, { run }) => {
    for (const { disk, host, url } of world.servers) {
      world.witness.deleted(disk, run.id);
      const sent = { method: "DELETE", url: `${url}/v1/runs/${run.id}`, headers: [], body: new Uint8Array() };
      void host.handle(sent);
    }
  });
}
