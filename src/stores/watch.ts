import { messageOf } from "../errors.ts";
import { after } from "./quiet-timer.ts";

/** Watching a store: hints from those who wrote, and a look each second, which alone is sure. */

/** Tells listeners of one instance which run changed. */
export interface Hints {
  emit(run: string): void;
  /** Gives what ends the subscription. */
  subscribe(listener: (run: string) => void): () => void;
  /** Ends every watch. */
  close(): void;
  readonly closed: boolean;
}

export interface WatchSource {
  readonly hints: Hints;
  /** A text that differs once the run (any run) changed; absent where every change gives a hint. */
  signature?(run: string | undefined): Promise<string>;
}

const pollMs = 1_000;

export function createHints(): Hints {
  const listeners = new Set<(run: string) => void>();
  let closed = false;
  const emit = (run: string): void => {
    for (const listener of [...listeners]) listener(run);
  };
  return {
    emit,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      closed = true;
      emit("");
    },
    get closed() {
      return closed;
    },
  };
}

/** The `watch` of every local store: once at the start, then whenever something may have changed. */
export async function* watchChanges(
  source: WatchSource,
  run: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<void> {
  const { hints } = source;
  const bell = createBell();
  const over = (): boolean => signal.aborted || hints.closed;
  if (over()) return;
  const unsubscribe = hints.subscribe((changed) => {
    if (run === undefined || changed === run || hints.closed) bell.ring();
  });
  signal.addEventListener("abort", bell.ring);
  // The first look comes before the first yield: whatever changes after the caller's own reading differs from it.
  const stop = source.signature === undefined ? undefined : await poll(() => look(source, run), bell.ring);
  try {
    while (!over()) {
      yield;
      if (!over()) await bell.rung();
    }
  } finally {
    stop?.();
    unsubscribe();
    signal.removeEventListener("abort", bell.ring);
  }
}

async function poll(signature: () => Promise<string>, ring: () => void): Promise<() => void> {
  let known = await signature();
  let stopped = false;
  let stopTimer = (): void => undefined;
  const plan = (delay: number): void => {
    if (!stopped) stopTimer = after(delay, () => void turn());
  };
  const turn = async (): Promise<void> => {
    const started = performance.now();
    const found = await signature();
    if (found !== known) ring();
    known = found;
    // A look that is slow (thousands of runs) comes less often.
    plan(Math.max(pollMs, 20 * (performance.now() - started)));
  };
  plan(pollMs);
  return () => {
    stopped = true;
    stopTimer();
  };
}

// Trouble is a change like any other: the watcher reads and meets it there.
function look(source: WatchSource, run: string | undefined): Promise<string> {
  return (source.signature?.(run) ?? Promise.resolve("")).catch(
    (error: unknown) => `trouble: ${messageOf(error)}`,
  );
}

function createBell(): { ring: () => void; rung(): Promise<void> } {
  let rang = false;
  let wake: (() => void) | undefined;
  const ring = (): void => {
    rang = true;
    wake?.();
  };
  const rung = async (): Promise<void> => {
    if (!rang) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    wake = undefined;
    rang = false;
  };
  return { ring, rung };
}
