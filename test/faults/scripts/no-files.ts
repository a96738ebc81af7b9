/**
 * Tracks while the process can open no more files, then with all of them free again. Prints a line of JSON: what
 * `flush()` said in the three states, and the reports.
 */
import { closeSync, openSync } from "node:fs";
import { type RunReport, startRun } from "../../../src/node.ts";

const taken: number[] = [];
const takeAll = (): void => {
  for (;;) {
    try {
      taken.push(openSync("/dev/null", "r"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EMFILE") return;
      throw error;
    }
  }
};
const freeAll = (): void => {
  for (const fd of taken.splice(0)) closeSync(fd);
};

const said: string[] = [];
const reports: RunReport[] = [];
const attempt = async (when: string): Promise<void> => {
  takeAll();
  const run = startRun({ runId: when, syncTo: [], quiet: true });
  if (when === "later") {
    freeAll();
    run.track({ loss: 0 }, { step: 0 });
    said.push(await run.flush());
    // Its handle is to be opened again.
    await (await run.store).close();
    takeAll();
  }
  run.track({ loss: 1 }, { step: 1 });
  said.push(await run.flush());
  reports.push(run.report());
  freeAll();
  said.push(await run.flush());
  reports.push(run.report());
  await run.finish();
};

await attempt("first");
await attempt("later");
process.stdout.write(`${JSON.stringify({ said, reports })}\n`);
