/**
 * A process of `recovery.ts`. `leave` tracks observations while nobody listens at its URL; `recover` starts a run in
 * the same store, as any next process does, and waits until all that was left is delivered; `raw` reads the same bytes
 * and posts them. Each prints what it cost, as JSON.
 */
import { createReadStream, readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setImmediate as turn } from "node:timers/promises";
import { runLogStore, startRun } from "runlog";
import { trackAll } from "./columns.ts";

/** What a process cost from its start on. */
export interface Cost {
  readonly millis: number;
  /** The most resident memory above that at the start, MiB. */
  readonly memory: number;
}

const [mode = "", store = "", url = "", count = "0"] = process.argv.slice(2);
const requestBytes = 1_048_576;

async function leave(): Promise<void> {
  const run = startRun({ runId: "left", store, syncTo: [runLogStore(url)], quiet: true });
  await trackAll(run, Number(count), turn);
  await run.finish(undefined, { timeout: 0 });
}

async function recover(): Promise<void> {
  const run = startRun({ runId: "next", store, syncTo: [runLogStore(url)], quiet: true });
  const { destinations } = await run.finish(undefined, { timeout: 300_000 });
  for (const { problem } of Object.values(destinations)) if (problem) throw new Error(problem.message);
}

async function raw(): Promise<void> {
  const folder = join(store, ".journal", "left");
  let lines: string[] = [];
  let bytes = 0;
  const post = async (): Promise<void> => {
    const response = await fetch(`${url}/v1/runs/left/segments`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: lines.join(""),
    });
    if (!response.ok) throw new Error(await response.text());
    [lines, bytes] = [[], 0];
  };
  for (const name of readdirSync(folder).filter((each) => each.endsWith(".jsonl"))) {
    for await (const line of createInterface({ input: createReadStream(join(folder, name)) })) {
      if (bytes + line.length > requestBytes && bytes > 0) await post();
      lines.push(`${line}\n`);
      bytes += line.length + 1;
    }
  }
  await post();
}

async function measured(work: () => Promise<void>): Promise<Cost> {
  const before = process.memoryUsage.rss();
  let most = before;
  const sampler = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 2);
  const start = performance.now();
  await work();
  const millis = performance.now() - start;
  clearInterval(sampler);
  return { millis, memory: (Math.max(most, process.memoryUsage.rss()) - before) / 1_048_576 };
}

const modes: Record<string, () => Promise<void>> = { leave, recover, raw };
process.stdout.write(JSON.stringify(await measured(modes[mode] as () => Promise<void>)));
