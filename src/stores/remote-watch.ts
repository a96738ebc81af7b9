import { isRunlogError } from "../errors.ts";
import type { Position } from "../model/records.ts";

const everyMs = 1_000;
const everyListMs = 2_000;

/**
 * Yields at once and then whenever `position` gives something new; without a `position`, every 2 s. Ends at `signal`.
 * A server that is away changes nothing: the next look tells.
 */
export async function* changesOf(
  position: (() => Promise<Position>) | undefined,
  signal: AbortSignal,
): AsyncGenerator<void> {
  let seen: string | undefined;
  while (!signal.aborted) {
    const found = position === undefined ? undefined : await look(position);
    if (signal.aborted) return;
    if (seen === undefined || position === undefined || (found !== undefined && found !== seen)) {
      seen = found ?? "";
      yield;
    }
    await wait(position === undefined ? everyListMs : everyMs, signal);
  }
}

async function look(position: () => Promise<Position>): Promise<string | undefined> {
  try {
    const next = await position();
    return JSON.stringify(Object.entries(next).sort());
  } catch (error) {
    if (isRunlogError(error)) return undefined;
    throw error;
  }
}

/** Never holds a process open. */
function wait(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    (timer as { unref?: () => void }).unref?.();
    signal.addEventListener("abort", end);
  });
}
