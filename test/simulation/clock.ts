/**
 * One clock for everything. Timers, `Date` and `performance.now` are simulated, random numbers come from the seed, and
 * nothing happens but by a timer: so one seed decides all. A program (a process or tab) is known by the async context
 * of its code; when it is frozen its timers wait, when it has ended they never come.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate as afterMicrotasks } from "node:timers";
import { vi } from "vitest";

export interface Program {
  readonly name: string;
  readonly state: "running" | "frozen" | "ended";
  /** Runs `body` as its code: every timer and answer that comes of it is the program's. */
  run<T>(body: () => T): T;
  freeze(): void;
  /** What fell due while it was frozen comes now. */
  thaw(): void;
  /** As by `kill -9`: not one more line of it runs. */
  end(): void;
}

export interface Clock {
  program(name: string): Program;
  /** The program whose code runs now. */
  current(): Program;
  /** Runs `body` as `program` in `millis`. */
  after(millis: number, program: Program, body: () => void): void;
  /** Lets time pass, timer by timer; `looked` is called after each. */
  advance(millis: number, looked: () => void): Promise<void>;
  /** Moves the wall clock alone. */
  jump(millis: number): void;
  /** Timers that fell due so far. */
  readonly wakes: number;
}

/** More timers than that within one `advance` are a loop without a pause. */
const mostWakes = 200_000;
const begin = Date.parse("2026-01-05T12:00:00Z");

interface Held {
  readonly timer: object;
  readonly body: () => void;
}

/** Calls `body` in a world with a clock of its own; everything is as it was afterwards. */
export async function withClock<T>(
  random: () => number,
  woken: (program: string) => void,
  body: (clock: Clock) => Promise<T>,
): Promise<T> {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"], now: begin });
  const running = new AsyncLocalStorage<Program>();
  const restoreRandom = stubRandom(random, () => running.getStore() !== undefined);
  const plain = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  const waiting = new WeakMap<Program, Held[]>();
  const cleared = new WeakSet<object>();
  let wakes = 0;

  const wake = (program: Program, held: Held): void => {
    if (program.state === "ended" || cleared.has(held.timer)) return;
    if (program.state === "frozen") {
      waiting.get(program)?.push(held);
      return;
    }
    wakes += 1;
    woken(program.name);
    running.run(program, held.body);
  };
  const makeProgram = (name: string): Program => {
    let state: Program["state"] = "running";
    const program: Program = {
      name,
      get state() {
        return state;
      },
      run: (body) => running.run(program, body),
      freeze: () => {
        if (state === "running") state = "frozen";
      },
      thaw() {
        if (state === "frozen") state = "running";
        for (const held of waiting.get(program)?.splice(0) ?? [])
          plain.setTimeout(() => wake(program, held), 0);
      },
      end: () => {
        state = "ended";
      },
    };
    waiting.set(program, []);
    return program;
  };
  const world = makeProgram("world");
  const simulated = (run: (...given: unknown[]) => void, millis = 0, ...given: unknown[]): object => {
    const program = running.getStore() ?? world;
    const timer: object = plain.setTimeout(() => wake(program, { timer, body: () => run(...given) }), millis);
    return timer;
  };
  globalThis.setTimeout = simulated as never;
  globalThis.clearTimeout = ((timer: NodeJS.Timeout | undefined) => {
    if (typeof timer === "object") cleared.add(timer);
    plain.clearTimeout(timer);
  }) as typeof clearTimeout;

  const clock: Clock = {
    program: makeProgram,
    current: () => running.getStore() ?? world,
    after: (millis, program, body) => void program.run(() => setTimeout(body, millis)),
    async advance(millis, looked) {
      let over = false;
      plain.setTimeout(() => {
        over = true;
      }, millis);
      const most = wakes + mostWakes;
      while (!over) {
        vi.advanceTimersToNextTimer();
        await new Promise<void>((resolve) => void afterMicrotasks(resolve));
        looked();
        if (wakes > most) throw new Error(`${mostWakes} timers in ${millis} ms: something spins`);
      }
    },
    jump: (millis) => void vi.setSystemTime(Math.max(0, Date.now() + millis)),
    get wakes() {
      return wakes;
    },
  };
  try {
    return await running.run(world, () => body(clock));
  } finally {
    Object.assign(globalThis, plain);
    vi.useRealTimers();
    restoreRandom();
  }
}

/** Inside a world every random number is the seed's; outside (the test runner) nothing changes. */
function stubRandom(random: () => number, inside: () => boolean): () => void {
  const real = { random: Math.random, fill: crypto.getRandomValues.bind(crypto) };
  Math.random = () => (inside() ? random() : real.random());
  const fill = (array: Uint8Array<ArrayBuffer>): Uint8Array => {
    if (!inside()) return real.fill(array);
    for (const at of array.keys()) array[at] = Math.floor(random() * 256);
    return array;
  };
  Object.defineProperty(crypto, "getRandomValues", { value: fill, configurable: true });
  return () => {
    Math.random = real.random;
    Reflect.deleteProperty(crypto, "getRandomValues");
  };
}
