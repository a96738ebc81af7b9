/** A page that tracks one run after the other, each delivered to the server in its address. */

import { openStore, type RunReport, type RunSummary, runLogStore, startRun } from "runlog";
import { messageOf } from "../../../src/errors.ts";

export interface ReleasePage {
  /** A whole run of 6 texts of 100 kB; gives its last report before its end. */
  run(id: string): Promise<RunReport>;
  /** Newest first. */
  runs(): Promise<readonly RunSummary[]>;
  /** What reading a run says. */
  read(id: string): Promise<string>;
}

const server = new URL(location.href).searchParams.get("server") ?? "";

/** Text that the browser's database cannot compress. */
function noise(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(50_000));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const page: ReleasePage = {
  async run(id) {
    const run = startRun({ runId: id, parameters: { lr: 0.1 }, syncTo: [runLogStore(server)] });
    for (let step = 0; step < 6; step++) {
      run.track({ loss: step, text: noise() }, { step });
      await run.flush();
    }
    const report = run.report();
    await run.finish();
    return report;
  },
  async runs() {
    const runs: RunSummary[] = [];
    for await (const run of openStore().runs()) runs.push(run);
    return runs;
  },
  read: (id) =>
    openStore()
      .rows(id)
      .then((rows) => `${rows.length} rows`, messageOf),
};
Object.assign(globalThis, { page });
