/** A page that tracks at a test's word, of whichever version the test bundled. `globalThis.page` is what it calls. */
import { openStore, type Run, type RunReport, startRun } from "runlog";

export interface VersionPage {
  /** Begins a run, and tracks until `stop`: a step each millisecond, durable each ten. */
  start(run: string): void;
  /** Resolves once so many steps more than now are durable. */
  more(steps: number): Promise<void>;
  /** Ends the run; gives what came of it. */
  stop(): Promise<Came>;
  /** Begins a run that tracks nothing more; gives where it is kept. */
  begin(run: string): Promise<string>;
  report(): RunReport;
  /** The steps of a run, as this page reads them. */
  steps(run: string): Promise<number[]>;
  /** Holds the database open and closes it for nobody, as a page without runlog might. */
  hold(): Promise<void>;
  deleteDatabase(): Promise<void>;
}

/** What came of a page's run. */
export interface Came {
  readonly report: RunReport;
  readonly tracked: number;
  /** The last step that was durable. */
  readonly flushed: number;
  /** Milliseconds of the longest flush. */
  readonly longest: number;
}

let run: Run<undefined>;
let step = 0;
let flushed = -1;
let longest = 0;
let stopped = false;
let ended: Promise<void> | undefined;
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));
const requested = (request: IDBRequest): Promise<unknown> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
const kept: unknown[] = [];

async function track(): Promise<void> {
  while (!stopped) {
    run.track({ loss: step }, { step });
    step += 1;
    if (step % 10 === 0) {
      const from = performance.now();
      if ((await run.flush()) === "disk") flushed = step - 1;
      longest = Math.max(longest, performance.now() - from);
    }
    await pause();
  }
}

const page: VersionPage = {
  start(runId) {
    run = startRun({ runId, syncTo: [], quiet: true });
    ended = track();
  },
  async more(steps) {
    const wanted = flushed + steps;
    while (flushed < wanted) await pause();
  },
  async stop() {
    stopped = true;
    await ended;
    return { report: await run.finish(), tracked: step, flushed, longest };
  },
  begin(runId) {
    run = startRun({ runId, syncTo: [], quiet: true });
    run.track({ loss: step }, { step });
    return run.flush();
  },
  report: () => run.report(),
  steps: async (id) => (await openStore().rows(id, { key: "loss" })).map((row) => row.step),
  async hold() {
    kept.push(await requested(indexedDB.open("runlog")));
  },
  async deleteDatabase() {
    await requested(indexedDB.deleteDatabase("runlog"));
  },
};
Object.assign(globalThis, { page });
