/** Observations made durable in Node, beside a raw loop that encodes the same columns and appends them with as many fsyncs. */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { startRun } from "runlog";
import { rawLines, SEGMENT, trackAll } from "./measure/columns.ts";
import { interleave } from "./measure/interleave.ts";
import { figure, publish } from "./measure/table.ts";

const COUNT = 1_000_000;
const TRIES = 3;
const folder = mkdtempSync(join(tmpdir(), "runlog-bench-"));
let syncs = 0;
let bytes = 0;
let made = 0;

/** Counts every fdatasync of this process, of the tool and of the raw loop. */
async function countSyncs(): Promise<void> {
  const handle = await open(join(folder, "probe"), "w");
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  const { datasync } = prototype;
  prototype.datasync = function counted(this: FileHandle) {
    syncs++;
    return datasync.call(this);
  };
  await handle.close();
}

let toolSyncs = 0;

async function ours(): Promise<number> {
  const store = join(folder, `store-${made++}`);
  const run = startRun({ store, syncTo: [], quiet: true });
  await run.flush();
  syncs = 0;
  const start = performance.now();
  await trackAll(run, COUNT, turn);
  if ((await run.flush()) !== "disk") throw new Error("the run was kept in memory");
  const millis = performance.now() - start;
  toolSyncs = syncs;
  bytes = journalBytes(store);
  await run.finish();
  return millis;
}

function journalBytes(store: string): number {
  const paths = readdirSync(store, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".jsonl"),
  );
  return paths.reduce((sum, path) => sum + statSync(join(store, path)).size, 0);
}

let rawBytes = 0;

async function raw(): Promise<number> {
  const every = Math.max(1, Math.round(COUNT / SEGMENT / toolSyncs));
  const file = await open(join(folder, `raw-${made++}`), "wx");
  const start = performance.now();
  rawBytes = 0;
  let lines = 0;
  for await (const line of rawLines(COUNT, turn)) {
    await file.write(line);
    rawBytes += line.length;
    if (++lines % every === 0) await file.datasync();
  }
  await file.datasync();
  const millis = performance.now() - start;
  await file.close();
  return millis;
}

try {
  await countSyncs();
  const { ours: mine, raw: bare, ratio } = await interleave(TRIES, ours, raw);
  const perSecond = (millis: number): string => figure((COUNT / millis) * 1_000);
  publish("durable-node", [
    [
      "1,000,000 observations, durable",
      "a second",
      "raw loop, a second",
      "times slower",
      "bytes each",
      "raw",
      "fsyncs",
    ],
    [
      "Node, filesystem",
      perSecond(mine),
      perSecond(bare),
      figure(ratio),
      figure(bytes / COUNT),
      figure(rawBytes / COUNT),
      `${toolSyncs}`,
    ],
  ]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
