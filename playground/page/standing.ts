import type { Destination, OpenedStore, Problem, RunReport, RunSummary } from "runlog";
import type { DigitsRun } from "./trainer.ts";

/** Where runs stand with their destinations: a run of this page says so itself, for earlier ones the store is asked. */

export interface Standing {
  readonly url: string;
  /** `done`: all is there; `unknown`: not asked yet. */
  readonly state: string;
  readonly delivered: number;
  readonly pending: number;
  readonly setAside: number;
  readonly problem?: Problem | undefined;
}

export interface Standings {
  /** A run that is tracked in this page. */
  active(run: DigitsRun): void;
  of(summary: RunSummary): Standing[];
  /** Delivers what `runs` still owe, and remembers where they stand then. */
  deliver(runs: readonly RunSummary[]): Promise<void>;
}

/** How long one destination may hold up the next. */
const timeout = 5_000;

export function createStandings(store: OpenedStore, syncTo: readonly Destination[]): Standings {
  const active = new Map<string, DigitsRun>();
  /** By run and address. */
  const known = new Map<string, Standing>();
  const nameOf = (run: string, url: string): string => `${run} ${url}`;

  const deliverTo = async (destination: Destination, runs: readonly RunSummary[]): Promise<void> => {
    const { url } = destination;
    const owing = runs.filter(({ destinations }) => destinations.some((each) => each.url === url));
    if (owing.length === 0) return;
    const result = await store.sync(
      destination,
      owing.map(({ run }) => run),
      { timeout },
    );
    for (const { run, observations } of owing) {
      const { delivered = 0, setAside = 0, complete, parked } = result.runs.get(run) ?? {};
      const pending = Math.max(0, observations - delivered - setAside);
      const state = parked !== undefined ? "parked" : complete === true ? "done" : "waiting";
      const problem = parked ?? (state === "done" ? undefined : result.problem);
      known.set(nameOf(run, url), { url, state, delivered, pending, setAside, problem });
    }
  };

  return {
    active(run) {
      active.set(run.id, run);
    },
    of({ run, destinations }) {
      const own = active.get(run);
      if (own !== undefined) return fromReport(own.report());
      const unknown = { state: "unknown", delivered: 0, pending: 0, setAside: 0 };
      return destinations.map(({ url }) => known.get(nameOf(run, url)) ?? { url, ...unknown });
    },
    async deliver(runs) {
      const earlier = runs.filter(({ run }) => !active.has(run));
      for (const destination of syncTo) await deliverTo(destination, earlier);
    },
  };
}

function fromReport({ destinations }: RunReport): Standing[] {
  return Object.values(destinations).map(({ url, state, delivered, pending, setAside, problem }) => ({
    url,
    state,
    delivered,
    pending,
    setAside,
    problem,
  }));
}
