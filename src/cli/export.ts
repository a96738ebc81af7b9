import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { LocalStore } from "../stores/store.ts";
import { argument, type Command, type Input, textOf, UsageError } from "./command.ts";
import { note, printBytes } from "./output.ts";
import { checkRun, withStore } from "./store.ts";

/** `runlog export`: a run's segments, byte for byte, one line each. */
export const exportCommand: Command = {
  usage: "export RUN --as jsonl --out PATH|-",
  summary: "write a run's segments as JSON Lines, to a new file or (-) to stdout",
  options: { as: { type: "string" }, out: { type: "string" } },
  positionals: [1, 1],
  async run(input) {
    const out = checkedOut(input);
    const run = argument(input, 0);
    await withStore(input.store, async (store) => {
      await checkRun(store, run);
      if (out === "-") return await printBytes(lines(store, run));
      // wx: an export never overwrites
      await pipeline(Readable.from(lines(store, run)), createWriteStream(out, { flags: "wx" }));
      note(`wrote ${run} to ${out}`);
    });
    return 0;
  },
};

function checkedOut(input: Input): string {
  const format = textOf(input, "as");
  if (format !== "jsonl") {
    throw new UsageError(`--as must be jsonl, found ${format === undefined ? "nothing" : `'${format}'`}`);
  }
  const out = textOf(input, "out");
  if (!out) throw new UsageError("--out must name a file, or - for stdout");
  return out;
}

async function* lines(store: LocalStore, run: string): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of store.segments(run)) {
    const line = new Uint8Array(bytes.length + 1);
    line.set(bytes);
    line[bytes.length] = 10;
    yield line;
  }
}
