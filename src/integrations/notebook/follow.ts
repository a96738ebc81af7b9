/** When an element stops following its run, besides when it is taken out of the page and when the run has ended. */
export interface FollowOptions {
  /** Settles when the cell that made the element is re-run or removed: a notebook's `invalidation`. */
  readonly invalidation?: PromiseLike<unknown>;
  readonly signal?: AbortSignal;
}

/** The least time between two looks, milliseconds, and the longest: changes are hints and may be missed. */
const every = 100;
const poll = 2_000;

/**
 * Calls `look` at once and then whenever something may have changed, until it gives true, the element leaves the page
 * or the caller says so. An element that is not in the page yet is looked after once. A look that takes long is
 * followed by a longer pause, so that a large run leaves the page its time.
 * @param look brings the element up to date; gives true when nothing more will come
 * @param changes hints, until the signal it is given aborts
 */
export function follow(
  element: Element,
  look: () => Promise<boolean>,
  changes: (signal: AbortSignal) => Promise<AsyncIterable<void>>,
  options: FollowOptions,
): void {
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  options.invalidation?.then(abort, abort);
  options.signal?.addEventListener("abort", abort);
  if (options.signal?.aborted === true) abort();
  const bell = createBell(stop.signal);
  void ring(changes, stop.signal, bell);
  void looking(element, look, stop.signal, bell).finally(() => {
    options.signal?.removeEventListener("abort", abort);
    abort();
  });
}

async function looking(
  element: Element,
  look: () => Promise<boolean>,
  signal: AbortSignal,
  bell: Bell,
): Promise<void> {
  let shown = false;
  for (let first = true; !signal.aborted; first = false) {
    if (shown && !element.isConnected) return;
    const began = performance.now();
    if ((first || element.isConnected) && (await look())) return;
    shown ||= element.isConnected;
    await bell.silence(Math.max(every, 4 * (performance.now() - began)));
    await bell.wait(poll);
  }
}

/** Rings the bell at every hint. A store that can give none is looked at by the clock alone. */
async function ring(
  changes: (signal: AbortSignal) => Promise<AsyncIterable<void>>,
  signal: AbortSignal,
  bell: Bell,
): Promise<void> {
  try {
    for await (const _ of await changes(signal)) bell.ring();
  } catch (error) {
    console.debug("runlog: an element looks at its store every two seconds only:", error);
  }
}

interface Bell {
  ring(): void;
  /** Waits for a ring since the last wait, at most so many milliseconds, or until the signal aborts. */
  wait(millis: number): Promise<void>;
  /** Waits so many milliseconds, or until the signal aborts; a ring meanwhile is not lost. */
  silence(millis: number): Promise<void>;
}

function createBell(signal: AbortSignal): Bell {
  let rung = false;
  let wake = (): void => undefined;
  const pause = (millis: number): Promise<void> =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const over = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", over);
        wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(over, millis);
      signal.addEventListener("abort", over);
      wake = over;
    });
  return {
    ring() {
      rung = true;
      wake();
    },
    async wait(millis) {
      if (!rung) await pause(millis);
      rung = false;
    },
    async silence(millis) {
      const waiting = pause(millis);
      wake = () => undefined;
      await waiting;
    },
  };
}
