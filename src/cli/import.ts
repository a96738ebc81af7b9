import { createReadStream } from "node:fs";
import { messageOf } from "../errors.ts";
import { decodeSegment, readRecords, type Segment } from "../model/segment-line.ts";
import type { LocalStore } from "../stores/store.ts";
import { argument, type Command } from "./command.ts";
import { byteLines } from "./lines.ts";
import { note, print } from "./output.ts";
import { withNewStore } from "./store.ts";

const batchBytes = 4 * 1_048_576;

/** `runlog import`: appends segments as `runlog export` wrote them. What is here already is skipped. */
export const importCommand: Command = {
  usage: "import PATH|-",
  summary: "add the runs in a JSON Lines file of segments, or of stdin, to the store",
  options: {},
  positionals: [1, 1],
  async run(input) {
    const path = argument(input, 0);
    const chunks = path === "-" ? process.stdin : createReadStream(path);
    const runs = await withNewStore(input.store, (store) => append(store, chunks));
    for (const run of runs) print(run);
    if (runs.size === 0) note(`${path} holds no segment`);
    return 0;
  },
};

/** Appends in batches; gives the runs. */
async function append(store: LocalStore, chunks: AsyncIterable<Uint8Array>): Promise<Set<string>> {
  const runs = new Set<string>();
  let batch: Segment[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    await store.append(batch);
    for (const { run } of batch) runs.add(run);
    [batch, bytes] = [[], 0];
  };
  for await (const line of byteLines(chunks)) {
    const segment = segmentOf(line);
    batch.push(segment);
    bytes += segment.bytes.length;
    if (bytes >= batchBytes) await flush();
  }
  if (batch.length > 0) await flush();
  return runs;
}

function segmentOf({ number, bytes }: { readonly number: number; readonly bytes: Uint8Array }): Segment {
  try {
    const segment = decodeSegment(bytes);
    readRecords(segment);
    return segment;
  } catch (cause) {
    throw new Error(`line ${number}: ${messageOf(cause)}; the lines before it may have been imported`, {
      cause,
    });
  }
}
