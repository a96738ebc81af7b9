import type { Segment } from "../model/segment-line.ts";
import { inTurn } from "./in-turn.ts";
import { after } from "./quiet-timer.ts";
import type { LocalStore } from "./store.ts";

const firstRetryMs = 2_000;
const lastRetryMs = 60_000;
const batch = 64;

/**
 * Stands in for a store that does not open, such as a database that another tab holds: all is kept in `memory`, and
 * moves once the store opens. From then on this is that store.
 * @param id the store's, where it is known: what is kept here names it
 * @param moved called with the store's id
 */
export function memoryUntil(
  wanted: LocalStore,
  memory: LocalStore,
  id: string | undefined,
  moved: (id: string) => void,
): LocalStore {
  const turn = inTurn();
  const runs = new Set<string>();
  let current = memory;

  const move = async (): Promise<void> => {
    const there = await wanted.id();
    // Nothing is appended meanwhile. Moving twice does no harm: `append` skips what is there.
    await turn("", async () => {
      for (const run of runs) await copyRun(memory, wanted, run);
      current = wanted;
      moved(there);
    });
    // Ends what watches it, which goes on in the other.
    await memory.close();
  };
  const retry = (millis: number): void => {
    after(millis, () => void move().catch(() => retry(Math.min(2 * millis, lastRetryMs))));
  };
  retry(firstRetryMs);

  const own: Partial<LocalStore> = {
    id: async () => (current === memory && id) || current.id(),
    append: (segments) =>
      turn("", () => {
        for (const { run } of segments) runs.add(run);
        return current.append(segments);
      }),
    async *watch(run, signal) {
      let watched: LocalStore;
      do {
        watched = current;
        yield* watched.watch(run, signal);
      } while (watched !== current);
    },
  };
  return new Proxy(memory, { get: (_, key) => Reflect.get(key in own ? own : current, key) });
}

async function copyRun(from: LocalStore, to: LocalStore, run: string): Promise<void> {
  const waiting: Segment[] = [];
  for await (const segment of from.segments(run)) {
    waiting.push(segment);
    if (waiting.length === batch) await to.append(waiting.splice(0));
  }
  await to.append(waiting);
}
