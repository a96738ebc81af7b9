import { createCaller } from "../http/caller.ts";
import type { LocalStore } from "../stores/store.ts";
import { type Carried, type Courier, createCourier } from "../sync/courier.ts";
import type { Destination, Problem } from "../sync/destination.ts";
import type { Platform } from "./platform.ts";

/** Where a run stands with one destination. */
export interface DestinationReport {
  readonly kind: string;
  readonly url: string;
  /** `done`: all is there. `parked`: this run cannot go there until a person acts; `paused`: nothing can. */
  readonly state: "idle" | "delivering" | "waiting" | "paused" | "parked" | "done";
  /** Observations confirmed there. */
  readonly delivered: number;
  /** Observations still to be confirmed. */
  readonly pending: number;
  /** Observations that it refused for good; kept here with its words. */
  readonly setAside: number;
  /** Observations taken back by `rewindTo` that this destination shows all the same: nothing can be deleted there. */
  readonly superseded?: number;
  /** Milliseconds since 1970 since when something has been pending. */
  readonly oldest?: number;
  readonly nextTry?: number;
  /** The run's page there. */
  readonly link?: string;
  /** What is not certain there, as a metric that a server may have kept twice. */
  readonly notice?: string;
  readonly problem?: Problem;
}

/** A writer whose report it is; `next` is the number of its next segment, once all is kept. */
export interface Own {
  readonly writer: string;
  readonly next: number | undefined;
}

/** The couriers of one run. */
export interface Deliveries {
  /** Begins to carry the run, once its store is open. */
  begin(store: LocalStore, run: Carried): void;
  /** Something new is durable here; `now`: enough for a full batch. */
  poke(now: boolean): void;
  /** The network may be back. */
  retry(): void;
  /** Waits for delivery, at most `timeout` milliseconds. */
  drain(timeout: number): Promise<void>;
  /** By destination, named by its URL. @param total observations of the run, here */
  report(run: string, total: number, superseded: number, own: Own): Record<string, DestinationReport>;
  /** The run is finished: goes on only until all is there. */
  retire(): void;
}

export function createDeliveries(destinations: readonly Destination[], platform: Platform): Deliveries {
  let couriers: Courier[] = [];
  let pendingSince: number | undefined;

  return {
    begin(store, run) {
      couriers = destinations.map((destination) =>
        createCourier({
          store,
          destination,
          call: createCaller(destination, platform.fetch && { fetch: platform.fetch }),
          timer: (body, millis) => platform.timer(body, millis),
          others: () => runsNaming(store, destination),
        }),
      );
      for (const courier of couriers) {
        courier.carry(run);
        courier.poke(true);
      }
    },
    poke(now) {
      for (const courier of couriers) courier.poke(now);
    },
    retry() {
      for (const courier of couriers) courier.retry();
    },
    async drain(timeout) {
      const limit = new AbortController();
      const timer = setTimeout(() => limit.abort(), timeout);
      try {
        await Promise.all(couriers.map((courier) => courier.drain(limit.signal)));
      } finally {
        clearTimeout(timer);
        limit.abort();
      }
    },
    report(run, total, superseded, own) {
      const reports: Record<string, DestinationReport> = {};
      for (const courier of couriers)
        reports[courier.destination.url] = reportOf(courier, run, total, superseded, own);
      const waits = Object.values(reports).some((each) => each.pending > 0);
      pendingSince = waits ? (pendingSince ?? Date.now()) : undefined;
      if (pendingSince === undefined) return reports;
      const oldest = pendingSince;
      for (const [url, each] of Object.entries(reports))
        if (each.pending > 0) reports[url] = { ...each, oldest };
      return reports;
    },
    retire() {
      for (const courier of couriers) courier.retire();
      if (couriers.some((courier) => courier.state === "delivering")) platform.letGo?.();
    },
  };
}

/** The runs of this store that name the destination themselves: imported and received ones do not count. */
export async function* runsNaming(store: LocalStore, destination: Destination): AsyncGenerator<Carried> {
  const id = await store.id();
  for await (const { run, uid, joined, destinations, store: first } of store.runs()) {
    const named = destinations.some((each) => each.kind === destination.kind && each.url === destination.url);
    if (named && first === id) yield { run, uid, owner: !joined };
  }
}

function reportOf(
  courier: Courier,
  run: string,
  total: number,
  superseded: number,
  { writer, next = Number.POSITIVE_INFINITY }: Own,
): DestinationReport {
  const { destination, nextTry } = courier;
  const entry = courier.entry(run);
  const delivered = entry?.delivered ?? 0;
  const setAside = entry?.setAside ?? 0;
  const pending = Math.max(0, total - delivered - setAside);
  // The courier itself may be at another run, and what other writers delivered says nothing of this one's.
  const done = entry?.complete === true && pending === 0 && (entry.position[writer]?.[0] ?? 0) >= next;
  const problem = entry?.parked ?? (done ? undefined : courier.problem);
  const link = entry && destination.link?.(entry);
  const notice = entry && destination.notice?.(entry);
  return {
    kind: destination.kind,
    url: destination.url,
    state: entry?.parked !== undefined ? "parked" : done ? "done" : courier.state,
    delivered,
    pending,
    setAside,
    ...(superseded > 0 && !destination.foldsRewinds && { superseded }),
    ...(nextTry !== undefined && !done && { nextTry }),
    ...(link !== undefined && { link }),
    ...(notice !== undefined && { notice }),
    ...(problem !== undefined && { problem }),
  };
}
