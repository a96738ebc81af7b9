import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { LocalStore } from "../stores/store.ts";
import { argument, type Command, textOf, UsageError } from "./command.ts";
import { exportWandb } from "./export-wandb.ts";
import { note, printBytes } from "./output.ts";
import { checkRun, withStore } from "./store.ts";

/** Writes a run in one format to what `--out` names. */
type Exporter = (store: LocalStore, run: string, out: string) => Promise<void>;

/** `--as` -> how. */
const exporters: Readonly<Record<string, Exporter>> = { jsonl: exportLines, wandb: exportWandb };

/** `runlog export`: a run's segments, byte for byte, one line each, or as files of another program. */
export const exportCommand: Command = {
  usage: "export RUN --as jsonl|wandb --out PATH|-",
  summary:
    "write a run as JSON Lines, to a new file or (-) to stdout, or as an offline run of W&B, to a folder",
  options: { as: { type: "string" }, out: { type: "string" } },
  positionals: [1, 1],
  async run(input) {
    const write = exporterOf(textOf(input, "as"));
    const out = textOf(input, "out");
    if (!out) throw new UsageError("--out must name a file or folder, or - for stdout");
    const run = argument(input, 0);
    await withStore(input.store, async (store) => {
      await checkRun(store, run);
      await write(store, run, out);
    });
    return 0;
  },
};

function exporterOf(format: string | undefined): Exporter {
  const found = format !== undefined && Object.hasOwn(exporters, format) ? exporters[format] : undefined;
  if (found !== undefined) return found;
  const names = Object.keys(exporters).join(" or ");
  throw new UsageError(`--as must be ${names}, found ${format === undefined ? "nothing" : `'${format}'`}`);
}

async function exportLines(store: LocalStore, run: string, out: string): Promise<void> {
  if (out === "-") return await printBytes(lines(store, run));
  // wx: an export never overwrites
  await pipeline(Readable.from(lines(store, run)), createWriteStream(out, { flags: "wx" }));
  note(`wrote ${run} to ${out}`);
}

async function* lines(store: LocalStore, run: string): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of store.segments(run)) {
    const line = new Uint8Array(bytes.length + 1);
    line.set(bytes);
    line[bytes.length] = 10;
    yield line;
  }
}
