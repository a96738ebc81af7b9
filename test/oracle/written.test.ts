import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { trackRun } from "runlog";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { needs } from "../env/find.ts";
import { askMagnus } from "./ask-magnus.ts";

/** The file that a run in Node leaves behind, in the hands of the real magnus. */
describe.skipIf(!needs("magnus"))("a run log written by the client", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "runlog-written-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("is loaded by magnus, whole, and dumped back equal", async () => {
    const options = {
      store: folder,
      syncTo: [],
      tag: "digits",
      parameters: { lr: 0.1, deep: { a: [1, null] } },
    };
    const run = await trackRun(options, async (going) => {
      going.track({ spam: "hello", eggs: { ham: "world" }, nan: Number.NaN, minus: -0, when: new Date(0) });
      for (let step = 0; step < 300; step++)
        going.track({ loss: 1 / (step + 1), done: step > 100 }, { step });
      await going.task("evaluate", (task) => task.track({ accuracy: 0.97 }, { step: 5 }));
      return going.id;
    });
    const log = JSON.parse(await readFile(join(folder, `${run}.json`), "utf8"));
    expect(log.status).toBe("SUCCESS");
    expect(log.steps.main.user_defined_metrics).toMatchObject({ spam: "hello", eggs: { ham: "world" } });
    expect(Object.keys(log.steps.main.user_defined_metrics.loss)).toHaveLength(300);
    expect(log.steps.evaluate.user_defined_metrics).toEqual({ accuracy: { "5": 0.97 } });
    const answer = await askMagnus<{ equal: boolean; before: string; after: string }>(
      JSON.stringify({ load: [folder, run] }),
    );
    if (!answer.equal) expect(answer.after).toBe(answer.before);
    expect(answer.equal).toBe(true);
  });
});
