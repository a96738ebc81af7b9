/**
 * A page that says what earlier pages left in its database, then tracks without end in a run of its own. What it
 * tracks, and with `?mode=flush` what is durable, it tells its host all the time. `?durability=relaxed` forces every
 * transaction to what browsers take by default. `?fill=5000` tracks a text of so many characters at each step.
 */
import { openStore, type RunReport, runLogStore, startRun } from "runlog";

/** What a page tells of its run. */
export interface Told {
  readonly tracked: readonly { readonly step: number; readonly at: number }[];
  /** The last step that was durable; -1 for none. */
  readonly flushed: number;
  readonly report?: RunReport;
}

/** Run -> the steps of its metric, in the order of its rows. */
export type Found = Readonly<Record<string, readonly number[]>>;

const query = new URL(location.href).searchParams;
const asked = (name: string): string => query.get(name) ?? "";

async function post(path: string, body: unknown): Promise<void> {
  await fetch(path, { method: "POST", body: JSON.stringify(body) });
}

async function found(): Promise<Found> {
  const store = openStore();
  const runs: Record<string, number[]> = {};
  for await (const { run } of store.runs()) {
    runs[run] = (await store.rows(run, { key: "loss" })).map(({ step }) => step);
  }
  return runs;
}

/** The control of the power cuts: with it they must lose what was called durable. */
function relax(): void {
  const { transaction } = IDBDatabase.prototype;
  IDBDatabase.prototype.transaction = function (names, mode) {
    return transaction.call(this, names, mode, { durability: "relaxed" });
  };
}

/** Text that no database compresses much. */
function noise(characters: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(characters)), (byte) =>
    (byte % 36).toString(36),
  ).join("");
}

if (asked("durability") === "relaxed") relax();
await post("/found", await found());
const run = startRun({ runId: asked("run"), tag: "killed", syncTo: [runLogStore(asked("server"))] });
const fill = Number(asked("fill"));
const tracked: { step: number; at: number }[] = [];
let flushed = -1;
const tell = async (): Promise<never> => {
  for (;;) {
    await post("/told", { tracked, flushed, report: run.report() } satisfies Told);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
};
tell().catch((error: unknown) => console.warn(`the host is gone: ${error}`));
for (let step = 0; ; step++) {
  tracked.push({ step, at: Date.now() });
  run.track({ loss: step, ...(fill > 0 && { text: noise(fill) }) }, { step });
  if (asked("mode") === "flush" && step % 10 === 9 && (await run.flush()) === "disk") flushed = step;
  await new Promise((resolve) => setTimeout(resolve, 1));
}
