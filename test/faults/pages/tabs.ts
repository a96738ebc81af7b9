/**
 * One of many tabs or workers that write one run: the first begins it, the others join it by its id. `globalThis.page`
 * is how a test drives a tab; a worker does by itself what its address says, and tells its host how it ended.
 */
import { openStore, type Run, type RunReport, resumeRun, runLogStore, startRun } from "runlog";
import type { LedgerEntry } from "../../../src/stores/store.ts";
import { destinationName } from "../../../src/sync/courier.ts";

export interface Tab {
  /** Tracks so many observations, a burst each few milliseconds; they are durable when it resolves. */
  track(count: number): Promise<void>;
  /** Tracks on, one observation each few milliseconds, until `stop`. */
  keepOn(): void;
  /** Ends `keepOn`; gives how many were tracked since the beginning. */
  stop(): number;
  report(): RunReport;
  /** What the ledger says of the run. */
  ledger(): Promise<LedgerEntry | undefined>;
  /** The run's status, by what the tabs hold. */
  status(): Promise<string>;
  finish(): Promise<RunReport>;
  /** The bfcache restored the page so often. */
  restored: number;
}

export interface TabOptions {
  readonly run: string;
  readonly server: string;
  /** The key that this tab or worker tracks. */
  readonly key: string;
  /** "begin": begins the run; "join": joins it. */
  readonly mode: "begin" | "join";
  /** The observations that a worker tracks. */
  readonly count?: string;
  /** Leaves delivery to the other tabs. */
  readonly silent?: "yes";
  /** Shows the run's card, which watches the store. */
  readonly card?: "yes";
}

const options = Object.fromEntries(new URL(location.href).searchParams) as unknown as TabOptions;
const { run: runId, key } = options;
const destination = runLogStore(options.server);
const given = { runId, syncTo: options.silent === undefined ? [destination] : [] };
const run: Run = options.mode === "begin" ? startRun(given) : await resumeRun(given);
await run.flush();
let step = 0;
let timer: ReturnType<typeof setInterval> | undefined;
const one = (): void => run.track({ [key]: step }, { step: step++ });

const page: Tab = {
  async track(count) {
    for (let left = count; left > 0; left -= 50) {
      for (let each = 0; each < Math.min(50, left); each++) one();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await run.flush();
  },
  keepOn() {
    timer = setInterval(one, 5);
  },
  stop() {
    clearInterval(timer);
    return step;
  },
  report: () => run.report(),
  ledger: async () => await (await run.store).ledger.read(run.id, destinationName(destination)),
  status: async () => (await openStore().runLog(run.id)).status,
  finish: () => run.finish(undefined, { timeout: 60_000 }),
  restored: 0,
};

if (options.count !== undefined) {
  await page.track(Number(options.count));
  const { status } = await page.finish();
  await fetch("/worker", { method: "POST", body: JSON.stringify({ key, status }) });
} else {
  if (options.card !== undefined) document.body.append((await import("runlog/notebook")).card(run));
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) page.restored += 1;
  });
  Object.assign(globalThis, { page });
}
