import fc from "fast-check";
import { inside } from "./inside.ts";
import type { OpenRun, Process } from "./process.ts";
import type { Machine, World } from "./world.ts";

/** What a client does, beside the plainest model of what must come of it. */

/** A run of the key, as it must be read. */
export interface ModelRun {
  /** number of an observation -> what is known of it. */
  readonly observations: Map<number, Observation>;
  /** The processes of the writers that have it open. */
  readonly open: Map<number, Process>;
  /** Writers that died and that nobody has come after. */
  crashed: number;
  /** A writer ended it, and nobody went on. */
  finished: boolean;
  failed: boolean;
}

interface Observation {
  readonly step: number;
  readonly writer: number;
  /** Acknowledged, so it must be there; else it may be. */
  safe: boolean;
  /** Taken back: it must not be seen, there or not. */
  superseded: boolean;
}

export interface Model {
  readonly runs: ModelRun[];
  /** The writer that tracks, numbered; undefined when it died or finished. */
  writer: number | undefined;
  writers: number;
}

export interface Real {
  readonly world: World;
  readonly machine: Machine;
  /** The run that the model's writer has open. */
  current: OpenRun | undefined;
  /** Every run of the key, in the order of the model's. */
  readonly ids: string[];
}

type Command = fc.AsyncCommand<Model, Real>;

const isOpen = (model: Readonly<Model>): boolean => model.writer !== undefined;

function currentOf(model: Model): ModelRun {
  return model.runs.at(-1) as ModelRun;
}

/** A command that needs an open run, or none. */
function command(
  name: string,
  check: (model: Readonly<Model>) => boolean,
  run: (model: Model, real: Real) => Promise<void>,
): Command {
  return { check, run, toString: () => name };
}

export function track(step: number, keys: number): Command {
  return command(`track(step ${step}, ${keys})`, isOpen, async (model, real) => {
    const one = real.current as OpenRun;
    const before = one.numbers.length;
    one.process.program.run(() => one.track(["loss", "accuracy", "note"].slice(0, keys), step));
    for (const number of one.numbers.slice(before)) {
      const writer = model.writer as number;
      currentOf(model).observations.set(number, { step, writer, safe: false, superseded: false });
    }
  });
}

export const flush: Command = command("flush", isOpen, async (model, real) => {
  await inCurrent(real, (one) => one.flush());
  settleWriter(model);
});

function settleWriter(model: Model): void {
  for (const each of currentOf(model).observations.values())
    if (each.writer === model.writer) each.safe = true;
}

/** The process dies; what was not acknowledged may be lost. */
export const crash: Command = command("crash", isOpen, async (model, real) => {
  const { process } = real.current as OpenRun;
  process.program.end();
  const { processes } = real.machine;
  processes.splice(processes.indexOf(process), 1);
  for (const run of model.runs) {
    for (const [writer, its] of run.open) {
      if (its !== process) continue;
      run.open.delete(writer);
      run.crashed += 1;
    }
  }
  model.writer = undefined;
  real.current = undefined;
});

/** Another process, or a next cell of the same, goes on with the key's run, or begins the next. */
export function resume(sameProcess: boolean, rewindTo: number | undefined): Command {
  const name = `resume(${sameProcess ? "same process" : "another"}, ${rewindTo ?? "no rewind"})`;
  return command(
    name,
    () => true,
    async (model, real) => {
      // What a rewind takes back is what is kept here at that moment.
      if (real.current !== undefined) {
        await inCurrent(real, (one) => one.flush());
        settleWriter(model);
      }
      const process = (sameProcess ? real.current?.process : undefined) ?? real.machine.boot();
      const syncTo = real.world.destinations;
      real.current = await finishing(real, () => process.resume({ key: "cell", syncTo, rewindTo }));
      model.writer = ++model.writers;
      const last = model.runs.at(-1);
      if (last === undefined || (last.finished && (last.failed || last.open.size === 0))) {
        const open = new Map([[model.writer, process]]);
        model.runs.push({ observations: new Map(), open, crashed: 0, finished: false, failed: false });
        real.ids.push(real.current.run.id);
        return;
      }
      last.open.set(model.writer, process);
      Object.assign(last, { crashed: 0, finished: false, failed: false });
      for (const each of last.observations.values()) each.superseded ||= each.step >= (rewindTo ?? Infinity);
    },
  );
}

export const finish: Command = command("finish", isOpen, async (model, real) => {
  await inCurrent(real, ({ run }) => run.finish(undefined, { timeout: 2_000 }));
  settleWriter(model);
  const run = currentOf(model);
  run.open.delete(model.writer as number);
  run.finished = true;
  run.failed ||= run.crashed > 0;
  model.writer = undefined;
  real.current = undefined;
});

/** The next requests are done, and their replies lost. */
export function loseReplies(count: number): Command {
  return command(
    `lose ${count} replies`,
    () => true,
    async (_, { world }) => {
      world.network.loses += count;
    },
  );
}

/** Another process comes, with a run of its own, and its courier takes over what is left. */
export const claim: Command = command(
  "claim",
  () => true,
  async (_, real) => {
    const one = real.machine.boot().start({ tag: "other", syncTo: real.world.destinations });
    one.process.program.run(() => one.track(["loss"], 1));
  },
);

export const restartServer: Command = command(
  "restart the server",
  () => true,
  async (_, { world }) => {
    for (const { host } of world.servers) {
      host.crash();
      host.start();
    }
  },
);

export function wait(millis: number): Command {
  return command(
    `wait ${millis} ms`,
    () => true,
    async (_, { world }) => world.advance(millis),
  );
}

function inCurrent<T>(real: Real, body: (one: OpenRun) => Promise<T>): Promise<T> {
  const one = real.current as OpenRun;
  return finishing(real, () => one.process.program.run(() => body(one)));
}

/** Lets time pass until `body` of a process is done. */
async function finishing<T>({ world }: Real, body: () => Promise<T>): Promise<T> {
  let got: { readonly value: T } | undefined;
  inside(world, async () => {
    got = { value: await body() };
  });
  for (let at = 0; got === undefined; at++) {
    if (at === 600) throw new Error("it is not done within ten minutes");
    await world.advance(1_000);
  }
  return got.value;
}

/** Commands in any order. */
export function anyCommands(): fc.Arbitrary<Iterable<Command>> {
  const step = fc.integer({ min: 0, max: 8 });
  return fc.commands<Model, Real>(
    [
      fc.tuple(step, fc.integer({ min: 1, max: 3 })).map(([at, keys]) => track(at, keys)),
      fc.tuple(step, fc.integer({ min: 1, max: 3 })).map(([at, keys]) => track(at, keys)),
      fc.constant(flush),
      fc.constant(crash),
      fc
        .tuple(fc.boolean(), fc.option(step, { nil: undefined }))
        .map(([same, rewindTo]) => resume(same, rewindTo)),
      fc.constant(finish),
      fc.integer({ min: 1, max: 3 }).map(loseReplies),
      fc.constant(claim),
      fc.constant(restartServer),
      fc.constantFrom(0, 30, 900, 7_000, 70_000).map(wait),
    ],
    { maxCommands: 16, size: "max" },
  ) as never;
}
