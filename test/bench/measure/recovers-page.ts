/**
 * The page of `recovery.ts`: the hash `leave <n>` tracks observations while no server answers; `recover <n>` is the
 * same page after a reload, `raw <n>` reads the same bytes and posts them. Each reports to its opener what it cost.
 */
import { runLogStore, startRun } from "runlog";
import { trackAll } from "./columns.ts";
import type { Cost } from "./recovers.ts";

interface Task {
  readonly mode: "leave" | "recover" | "raw";
  readonly store: string;
  readonly url: string;
  readonly count: number;
}

const requestBytes = 1_048_576;
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

async function leave({ store, url, count }: Task): Promise<void> {
  const { fetch } = globalThis;
  globalThis.fetch = () => Promise.reject(new TypeError("nobody listens"));
  const run = startRun({ runId: "left", store, syncTo: [runLogStore(url)], quiet: true });
  await trackAll(run, count, turn);
  await run.finish(undefined, { timeout: 0 });
  globalThis.fetch = fetch;
}

async function recover({ store, url }: Task): Promise<void> {
  const run = startRun({ runId: "next", store, syncTo: [runLogStore(url)], quiet: true });
  const { destinations } = await run.finish(undefined, { timeout: 300_000 });
  for (const { problem } of Object.values(destinations)) if (problem) throw new Error(problem.message);
}

async function raw({ store, url }: Task): Promise<void> {
  const database = await done(indexedDB.open(`runlog:${store}`));
  const of = database.transaction("segments").objectStore("segments");
  const all = IDBKeyRange.bound(["left"], ["left", []]);
  let parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  const post = async (): Promise<void> => {
    const body = new Blob(parts.flatMap((line) => [line, "\n"]));
    const headers = { "content-type": "application/x-ndjson" };
    const response = await fetch(`${url}/v1/runs/left/segments`, { method: "POST", headers, body });
    if (!response.ok) throw new Error(await response.text());
    [parts, bytes] = [[], 0];
  };
  for (const line of (await done(of.getAll(all))) as Uint8Array<ArrayBuffer>[]) {
    if (bytes + line.length > requestBytes && bytes > 0) await post();
    parts.push(line);
    bytes += line.length + 1;
  }
  await post();
  database.close();
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** The heap of the page, bytes; precise with Chromium's `--enable-precise-memory-info`. */
function heap(): number {
  return (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize;
}

async function perform(task: Task): Promise<Cost> {
  const before = heap();
  let most = before;
  const sampler = setInterval(() => {
    most = Math.max(most, heap());
  }, 4);
  const start = performance.now();
  await { leave, recover, raw }[task.mode](task);
  const millis = performance.now() - start;
  clearInterval(sampler);
  return { millis, memory: (Math.max(most, heap()) - before) / 1_048_576 };
}

Object.assign(globalThis, { perform });
