import { readdirSync, readFileSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Segment } from "../../model/segment-line.ts";
import { foldSegments } from "../../read/fold.ts";
import { runLogJson } from "../../read/run-log.ts";
import { after } from "../quiet-timer.ts";
import { collect } from "../summaries.ts";
import { errorCode, replaceFile, replaceFileSync } from "./durable.ts";
import type { Journal } from "./journal.ts";
import { parseFileName, type RunLayout } from "./layout.ts";
import { createLineScanner } from "./line-scanner.ts";
import { createRunIndex, decoded } from "./run-index.ts";

/**
 * `<run_id>.json`: the run log for other programs, made from the journal and never read where there is one. Each
 * writing folds what the folder holds then, and is done again when that grew meanwhile, so of several processes the
 * last one to write leaves the newest.
 */
export interface Derived {
  /** Tells of appended segments; resolves once the file is written when they end the run. */
  note(segments: readonly Segment[]): Promise<void>;
  /** Writes now what was noted. */
  flush(): Promise<void>;
  /** Nothing is written any more once this resolves. */
  drop(): Promise<void>;
}

const restMs = 10_000;
const mostSyncBytes = 64 * 1_048_576;

export function createDerived(journal: Journal): Derived {
  let dirty = false;
  let lastTook = 0;
  let lastEnded = Number.NEGATIVE_INFINITY;
  let stopTimer: (() => void) | undefined;
  let writing: Promise<void> = Promise.resolve();

  const write = async (): Promise<void> => {
    stopTimer?.();
    stopTimer = undefined;
    if (!dirty) return;
    dirty = false;
    const started = performance.now();
    try {
      if (await writeRunLog(journal)) dirty = true;
    } catch {
      // The journal is whole and this file can be made again at any time: a full disk here is no loss.
      dirty = true;
    }
    lastEnded = performance.now();
    lastTook = lastEnded - started;
    if (dirty) plan();
  };
  const flush = (): Promise<void> => {
    writing = writing.then(write);
    return writing;
  };
  const plan = (): void => {
    stopTimer ??= after(restMs, () => void flush());
  };
  return {
    flush,
    async note(segments) {
      dirty = true;
      if (segments.some(endsRun)) return flush();
      // A long run with many short tasks would otherwise do nothing but write this.
      const rested = performance.now() - lastEnded > 10 * lastTook;
      if (rested && segments.some(endsTask)) void flush();
      else plan();
    },
    async drop() {
      stopTimer?.();
      stopTimer = undefined;
      await writing;
      dirty = false;
    },
  };
}

/** Writes the run log as of now, in the exit hook. Skipped for a journal that would hold up the exit. */
export function writeRunLogSync(layout: RunLayout): void {
  try {
    const paths = journalPaths(layout);
    const bytes = paths.reduce((sum, { path }) => sum + statSync(path).size, 0);
    if (bytes > mostSyncBytes) return;
    const state = foldSegments(readAllSync(layout.run, paths));
    if (state !== undefined) replaceFileSync(layout.derived, runLogJson(state), temporary(layout));
  } catch (error) {
    // As in `write` above: the journal is whole, and the next process that writes to the run makes this file.
    if (errorCode(error) === undefined) throw error;
  }
}

/** True for segments that may end the run; a value that quotes such a record only costs a writing. */
export function endsRun(segment: Segment): boolean {
  return includes(segment, '"type":"finish"');
}

function endsTask(segment: Segment): boolean {
  if (!includes(segment, '"type":"task"')) return false;
  return includes(segment, '"status":"SUCCESS"') || includes(segment, '"status":"FAIL"');
}

function includes({ bytes }: Segment, text: string): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(text);
}

/** True when the journal grew meanwhile. */
async function writeRunLog(journal: Journal): Promise<boolean> {
  const { layout, index } = journal.state;
  await journal.state.refresh();
  const { version } = index;
  const state = foldSegments(await collect(journal.segments({})));
  if (state === undefined || journal.state.deleted) return false;
  await layout.folders.make(layout.folder);
  await replaceFile(layout.derived, runLogJson(state), temporary(layout));
  await journal.state.refresh();
  // By another process, meanwhile.
  if (journal.state.deleted) await rm(layout.derived, { force: true });
  return index.version !== version;
}

function temporary(layout: RunLayout): string {
  return join(layout.folder, "run-log");
}

function journalPaths(layout: RunLayout): { path: string; writer: string; n: number }[] {
  return readdirSync(layout.folder, { withFileTypes: true }).flatMap((entry) => {
    const { name } = entry;
    const parsed = parseFileName(name);
    return parsed === undefined || !entry.isFile() ? [] : [{ ...parsed, path: join(layout.folder, name) }];
  });
}

function readAllSync(run: string, paths: readonly { path: string; writer: string; n: number }[]): Segment[] {
  const index = createRunIndex(run);
  const found = new Map<string, Segment>();
  for (const parsed of paths) {
    const file = { ...parsed, own: false, scanned: 0, size: 0, durable: 0 };
    for (const line of createLineScanner(0).feed(readFileSync(parsed.path))) {
      const segment = index.addLine(line, file) ? decoded(line.bytes) : undefined;
      const entry = segment && index.entries(segment.writer)[segment.seq];
      // The index decides which of several lines stands.
      if (segment && entry?.file === file && entry.offset === line.offset) {
        found.set(`${segment.writer} ${segment.seq}`, segment);
      }
    }
  }
  return [...found.values()];
}
