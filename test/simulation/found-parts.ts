import { RunlogError } from "../../src/errors.ts";
import { encodeSegment } from "../../src/model/segment-line.ts";
import type { LocalStore } from "../../src/stores/store.ts";
import type { Destination } from "../../src/sync/destination.ts";

/** Parts of clients that lack, refuse or count. */

export const hour = 3_600_000;
export const uid: string = "0".repeat(32);
export const refuses = async (): Promise<never> => {
  throw new RunlogError("storage_unavailable", "the disk refuses");
};

/** Timers as a platform gives them, counted. */
export interface Timers {
  made: number;
  readonly timer: (run: () => void, millis: number) => () => void;
}

export function countedTimers(): Timers {
  const timers: Timers = {
    made: 0,
    timer(run, millis) {
      timers.made += 1;
      const made = setTimeout(run, millis);
      return () => clearTimeout(made);
    },
  };
  return timers;
}

/** A run of one segment, whose writer holds no lock. */
export async function add(store: LocalStore, run: string): Promise<void> {
  const record = JSON.stringify({ type: "run", time: 1, uid, store: await store.id() });
  await store.append([encodeSegment({ run, writer: "0123456789ab", seq: 0, clock: 1 }, [record])]);
}

/** A destination that counts; it fails for `bad` and takes the rest. */
export function counting(bad?: string): Destination & { tries: number } {
  const destination = {
    kind: "counting",
    url: "http://counting",
    credentials: {},
    probe: "/",
    tries: 0,
    originAdvice: () => "",
    deliver: (async (delivery) => {
      destination.tries += 1;
      await delivery.call({ method: "GET", path: "/" });
      const problem = { code: "unreachable", message: "m", action: "a" };
      if (delivery.run === bad) return { state: "retry", problem };
      for await (const segment of delivery.segments()) {
        const { writer, seq } = segment;
        const rows = delivery.records(segment).flatMap((each) => (each.type === "metrics" ? each.key : []));
        const { position, delivered } = delivery.ledger;
        await delivery.save({
          position: { ...position, [writer]: [seq + 1, 0] },
          delivered: delivered + rows.length,
        });
      }
      return { state: "done" };
    }) satisfies Destination["deliver"],
  } satisfies Destination & { tries: number };
  return destination;
}
