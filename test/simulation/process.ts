import type { LocalStore, ResumeOptions, Run, RunOptions } from "runlog";
import type { Platform, Watched } from "../../src/client/platform.ts";
import { type Client, createClient } from "../../src/run.ts";
import type { Clock, Program } from "./clock.ts";
import type { Disk } from "./disk.ts";
import type { Witness } from "./witness.ts";

/** One process or tab with the real client, on the disk of its machine. */
export interface Process {
  readonly program: Program;
  readonly disk: Disk;
  readonly open: OpenRun[];
  start(options: RunOptions): OpenRun;
  resume(options: ResumeOptions): Promise<OpenRun>;
  /** What its page or process is told: it is hidden, the network is back, it ends. */
  readonly watched: Iterable<Watched>;
}

/** A run that a process has open, and what was tracked in it. */
export interface OpenRun {
  readonly run: Run;
  readonly process: Process;
  /** The numbers tracked by this writer, in order. */
  readonly numbers: number[];
  finished: boolean;
  track(keys: readonly string[], step: number | undefined): void;
  /** Notes what `flush()` promised. */
  flush(): Promise<"disk" | "memory">;
}

export interface ProcessParts {
  readonly name: string;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly store: () => LocalStore;
  readonly fetch: typeof fetch;
  readonly witness: Witness;
  readonly warn: (message: string) => void;
}

export function createProcess(parts: ProcessParts): Process {
  const { clock, disk, witness } = parts;
  const program = clock.program(parts.name);
  const watched = new Set<Watched>();
  const platform: Platform = {
    host: () => ({ name: "simulation" }),
    code: async () => undefined,
    openStore: () => undefined,
    persist: async () => true,
    destinations: () => [],
    setting: () => undefined,
    variables: undefined,
    current: { within: (_, body) => body(), innermost: () => [] },
    watch(run) {
      watched.add(run);
      return () => watched.delete(run);
    },
    syncCommand: () => undefined,
    warn: parts.warn,
    fetch: parts.fetch,
    timer(run, millis) {
      const timer = setTimeout(run, millis);
      return () => clearTimeout(timer);
    },
  };
  const client: Client = createClient(platform);
  const store = program.run(parts.store);
  const opened = (run: Run): OpenRun => {
    witness.opened(run);
    const numbers: number[] = [];
    const one: OpenRun = {
      run,
      process,
      numbers,
      finished: false,
      track(keys, step) {
        const made = witness.tracked(run.uid, keys.length);
        const values = keys.map((key, at) => [key, key === "note" ? `#${made[at]}` : made[at]] as const);
        const { late } = run.report();
        run.track(Object.fromEntries(values), step === undefined ? {} : { step });
        // What a cell tracks after the next one took its run over is not kept, and said to be so.
        if (run.report().late === late) numbers.push(...made);
      },
      async flush() {
        const upTo = numbers.length;
        const got = await run.flush();
        if (got === "disk") witness.acknowledged(disk, run.id, numbers.slice(0, upTo));
        return got;
      },
    };
    process.open.push(one);
    return one;
  };
  const process: Process = {
    program,
    disk,
    open: [],
    watched,
    start: (options) => program.run(() => opened(client.startRun({ ...options, store, quiet: true }))),
    resume: (options) =>
      program.run(async () => opened(await client.resumeRun({ ...options, store, quiet: true }))),
  };
  return process;
}
