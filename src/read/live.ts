import type { Series } from "./series.ts";

/** What a read of a run gives. */
export interface LiveFrame {
  /** The series so far; undefined while there is none. */
  readonly series: Series | undefined;
  /** True once nothing more will come. */
  readonly ended: boolean;
}

export interface LiveOptions {
  /** The least time between two frames, milliseconds. @default 100 */
  readonly every?: number;
  /** The longest time without looking, milliseconds: `changes` are hints and may be missed. @default 2000 */
  readonly poll?: number;
  /** Ends the generator when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The series so far, again and again: at once, then whenever it grew, at most every 100 ms. A reader that is slow gets
 * fewer frames, each whole, so it misses no point. It ends when the run has ended, `changes` has ended, the signal
 * aborts or the reader leaves the loop; `return()` also ends it while it waits for a change.
 * @param read looks at the run now
 * @param changes hints that something may have changed, until the signal it is given aborts
 */
export function liveSeries(
  read: () => Promise<LiveFrame>,
  changes: (signal: AbortSignal) => AsyncIterable<void>,
  options: LiveOptions = {},
): AsyncGenerator<Series, void, void> {
  const stop = new AbortController();
  const generator = frames(read, changes, options, stop);
  // A generator's own return() waits for the await it stands at, which for a quiet run has no end.
  const leave = generator.return.bind(generator);
  generator.return = (value) => {
    stop.abort();
    return leave(value);
  };
  return generator;
}

async function* frames(
  read: () => Promise<LiveFrame>,
  changes: (signal: AbortSignal) => AsyncIterable<void>,
  { every = 100, poll = 2_000, signal }: LiveOptions,
  stop: AbortController,
): AsyncGenerator<Series, void, void> {
  const abort = (): void => stop.abort();
  signal?.addEventListener("abort", abort);
  if (signal?.aborted === true) abort();
  const hints = changes(stop.signal)[Symbol.asyncIterator]();
  let shown: string | undefined;
  try {
    // Asked for before reading, so that a change during the read or the pause is not missed.
    let hint = settled(hints.next());
    for (let last = false; !stop.signal.aborted; ) {
      const { series, ended } = await read();
      const print = series && fingerprint(series);
      if (series !== undefined && print !== shown) {
        shown = print;
        yield series;
      }
      if (ended || last) return;
      await within(every, stop.signal);
      const woken = await within(poll, stop.signal, hint);
      if (woken === undefined) continue;
      if ("error" in woken) throw woken.error;
      last = woken.value.done === true;
      if (!last) hint = settled(hints.next());
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    abort();
    await hints.return?.();
  }
}

/** Tells two looks at a series apart: it grew, or its end was superseded and tracked anew. */
function fingerprint({ step, time }: Series): string {
  return `${step.length} ${step.at(-1)} ${time.at(-1)}`;
}

type Settled<T> = { readonly value: T } | { readonly error: unknown };

/** Nobody may be waiting when a hint fails; kept as a value it is no unhandled rejection. */
function settled<T>(promise: Promise<T>): Promise<Settled<T>> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}

/** What `promise` gives, or undefined after `millis` or when the signal aborts. A timer holds no process open. */
async function within<T>(millis: number, signal: AbortSignal, promise?: Promise<T>): Promise<T | undefined> {
  let stop = (): void => undefined;
  const over = new Promise<undefined>((resolve) => {
    const timer: unknown = setTimeout(() => resolve(undefined), millis);
    if (typeof timer === "object") (timer as { unref?: () => void }).unref?.();
    const abort = (): void => resolve(undefined);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    stop = () => {
      clearTimeout(timer as number);
      signal.removeEventListener("abort", abort);
    };
  });
  try {
    return await (promise === undefined ? over : Promise.race([over, promise]));
  } finally {
    stop();
  }
}
