import type { Segment } from "../model/segment-line.ts";
import { foldSegments } from "../read/fold.ts";
import { type RunQuery, selectRuns } from "../read/query.ts";
import { type RunSummary, summarize } from "../read/summary.ts";
import { whereReleased } from "./released.ts";

/** The `runs` of every local store: each run is folded once for each state that it was seen in. */
export interface SummarySource {
  /** All runs here, deleted ones left out, each with what changes whenever its segments do. */
  versions(): Promise<ReadonlyMap<string, string>>;
  segments(run: string): AsyncIterable<Segment>;
  /** What a run was before its segments were released. */
  kept?(run: string): Promise<RunSummary | undefined>;
}

interface Cached {
  readonly version: string;
  readonly summary: RunSummary | undefined;
}

export function createSummaries(source: SummarySource): (query?: RunQuery) => AsyncGenerator<RunSummary> {
  const cache = new Map<string, Cached>();
  const summaryOf = async (run: string, version: string): Promise<RunSummary | undefined> => {
    const cached = cache.get(run);
    if (cached?.version === version) return cached.summary;
    const segments = await collect(source.segments(run));
    const state = foldSegments(segments);
    const kept = segments.some(whereReleased) ? await source.kept?.(run) : undefined;
    const summary = kept ? { ...kept, released: true } : state && summarize(state);
    cache.set(run, { version, summary });
    return summary;
  };
  return async function* runs(query) {
    const versions = await source.versions();
    for (const run of cache.keys()) if (!versions.has(run)) cache.delete(run);
    const summaries: RunSummary[] = [];
    for (const [run, version] of versions) {
      const summary = await summaryOf(run, version);
      if (summary !== undefined) summaries.push(summary);
    }
    yield* selectRuns(summaries, query);
  };
}

/** All segments of an iteration, in its order. */
export async function collect(segments: AsyncIterable<Segment>): Promise<Segment[]> {
  const all: Segment[] = [];
  for await (const segment of segments) all.push(segment);
  return all;
}
