import { memoryStore } from "runlog";
import { onTestFinished, vi } from "vitest";
import { encodeSegment } from "../../src/model/segment-line.ts";
import type { LocalStore } from "../../src/stores/store.ts";
import { type Courier, type CourierParts, createCourier, destinationName } from "../../src/sync/courier.ts";
import type { Delivery, Destination, Outcome, Problem } from "../../src/sync/destination.ts";
import type { Carried } from "../../src/sync/pass.ts";

/** A courier whose timers go off when a test says so, to a destination that does as the test says. */

export const problem: Problem = { code: "unreachable", message: "m", action: "a" };
const uid = "0".repeat(32);

export const carried = (run: string): Carried => ({ run, uid, owner: true });

/** Confirms everything that is there. */
export async function takeAll(delivery: Delivery): Promise<Outcome> {
  for await (const { writer, seq } of delivery.segments()) {
    await delivery.save({ position: { [writer]: [seq + 1, 0] }, delivered: seq + 1 });
  }
  return { state: "done" };
}

export interface Scene {
  readonly store: LocalStore;
  readonly destination: Destination;
  /** The runs that the destination was asked to take, in order. */
  readonly delivered: string[];
  /** What it makes of a run. */
  outcome: (delivery: Delivery) => Promise<Outcome>;
  /** Appends segments, empty but for the first. */
  add(run: string, ...seqs: number[]): Promise<void>;
  /** A courier that carries `runs`. */
  courier(runs: readonly string[], more?: Partial<CourierParts>): Courier;
  /** Milliseconds of the timers that run. */
  waits(): number[];
  /** Lets the one timer that runs go off. */
  fire(): void;
  /** Lets it go off, and waits until another one runs. */
  pass(): Promise<void>;
  /** The name of the lock that couriers of the destination take. */
  lock(): Promise<string>;
}

export function scene(): Scene {
  const store = memoryStore();
  const timers: { run: () => void; millis: number; active: boolean }[] = [];
  const active = (): typeof timers => timers.filter((timer) => timer.active);
  const it: Scene = {
    store,
    delivered: [],
    outcome: takeAll,
    destination: {
      kind: "scripted",
      url: "http://scripted",
      credentials: {},
      probe: "/",
      originAdvice: () => "",
      async deliver(delivery) {
        it.delivered.push(delivery.run);
        return it.outcome(delivery);
      },
    },
    async add(run, ...seqs) {
      const first = JSON.stringify({ type: "run", time: 1, uid, store: await store.id() });
      for (const seq of seqs) {
        const name = { run, writer: "0123456789ab", seq, clock: seq + 1 };
        await store.append([encodeSegment(name, seq === 0 ? [first] : [])]);
      }
    },
    courier(runs, more) {
      const courier = createCourier({
        store,
        destination: it.destination,
        call: async () => ({ class: "ok", text: "" }),
        timer(run, millis) {
          const timer = { run, millis, active: true };
          timers.push(timer);
          return () => {
            timer.active = false;
          };
        },
        async *others() {},
        ...more,
      });
      for (const run of runs) courier.carry(carried(run));
      return courier;
    },
    waits: () => active().map(({ millis }) => Math.round(millis)),
    fire() {
      const [timer] = active();
      if (timer === undefined) throw new Error("no timer runs");
      timer.active = false;
      timer.run();
    },
    async pass() {
      it.fire();
      await vi.waitFor(() => {
        if (active().length === 0) throw new Error("no other timer runs");
      }, waiting);
    },
    lock: async () => `courier:${await store.id()}:${destinationName(it.destination)}`,
  };
  return it;
}

/** How to wait for what takes no time of its own. */
export const waiting = { interval: 1, timeout: 5_000 };

/** Sets the clock of the wall forward, until the test ends. */
export function later(millis: number): void {
  const now = Date.now();
  const spy = vi.spyOn(Date, "now").mockReturnValue(now + millis);
  onTestFinished(() => spy.mockRestore());
}
