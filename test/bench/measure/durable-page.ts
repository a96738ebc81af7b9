/** The page of `durable-browsers.ts`: measures both ways and posts the figures. */
import { startRun } from "runlog";
import { rawLines, SEGMENT, trackAll } from "./columns.ts";
import { type Comparison, interleave } from "./interleave.ts";

/** What the page posts. */
export interface Figures extends Comparison {
  readonly count: number;
  /** Strict transactions that a try of ours took, and the raw loop as many. */
  readonly transactions: number;
  readonly problem?: string;
}

const count = 200_000;
const tries = 3;
let strict = 0;
let transactions = 1;

/** Counts the writing transactions of this page. */
function countTransactions(): void {
  const { prototype } = IDBDatabase;
  const { transaction } = prototype;
  prototype.transaction = function counted(this: IDBDatabase, ...args: Parameters<typeof transaction>) {
    if (args[1] === "readwrite") strict++;
    return transaction.apply(this, args);
  };
}

const channel = new MessageChannel();
let wake: (() => void) | undefined;
channel.port1.onmessage = () => wake?.();

/** To the event loop and back, without the 4 ms that a page's timers wait. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    wake = resolve;
    channel.port2.postMessage(undefined);
  });
}

async function ours(): Promise<number> {
  const run = startRun({ store: `bench-${Math.random()}`, quiet: true });
  await run.flush();
  strict = 0;
  const start = performance.now();
  await trackAll(run, count, turn);
  if ((await run.flush()) !== "disk") throw new Error("the run was kept in memory");
  const millis = performance.now() - start;
  transactions = Math.max(1, strict);
  await run.finish();
  return millis;
}

async function raw(): Promise<number> {
  const database = await open(`raw-${Math.random()}`);
  const every = Math.max(1, Math.round(count / SEGMENT / transactions));
  const start = performance.now();
  let waiting: Uint8Array[] = [];
  let key = 0;
  for await (const line of rawLines(count, turn)) {
    waiting.push(line);
    if (waiting.length < every) continue;
    const lines = waiting;
    waiting = [];
    await put(database, lines, key);
    key += lines.length;
  }
  if (waiting.length > 0) await put(database, waiting, key);
  const millis = performance.now() - start;
  database.close();
  return millis;
}

function open(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("lines");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function put(database: IDBDatabase, lines: readonly Uint8Array[], firstKey: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction("lines", "readwrite", { durability: "strict" });
    const store = transaction.objectStore("lines");
    for (const [index, line] of lines.entries()) store.put(line, firstKey + index);
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

async function measure(): Promise<object> {
  countTransactions();
  try {
    return { count, ...(await interleave(tries, ours, raw)), transactions };
  } catch (error) {
    return { problem: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) };
  }
}

await fetch("/outcome", { method: "POST", body: JSON.stringify(await measure()) });
