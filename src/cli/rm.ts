import { rm as rmFolder } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "./command.ts";
import { print } from "./output.ts";
import { checkRun, withStore } from "./store.ts";

/** `runlog rm`: deletes runs here. Destinations keep what they have. */
export const rm: Command = {
  usage: "rm RUN...",
  summary: "delete runs from the store; what was delivered elsewhere stays there",
  options: {},
  positionals: [1, Number.POSITIVE_INFINITY],
  async run(input) {
    await withStore(input.store, async (store) => {
      for (const run of input.positionals) await checkRun(store, run);
      for (const run of input.positionals) {
        await store.delete(run);
        // What `exec` kept of its output. The id was checked above: it names no other folder.
        await rmFolder(join(store.location, ".catalog", run), { recursive: true, force: true });
        print(run);
      }
    });
    return 0;
  },
};
