/** Timers that never hold a process open. Each function gives what stops it. */

export function after(milliseconds: number, work: () => void): () => void {
  const timer = setTimeout(work, milliseconds);
  release(timer);
  return () => clearTimeout(timer);
}

export function every(milliseconds: number, work: () => void): () => void {
  const timer = setInterval(work, milliseconds);
  release(timer);
  return () => clearInterval(timer);
}

// Node's timers are objects with unref(), a browser's are numbers and end with the page.
function release(timer: unknown): void {
  (timer as { unref?: () => void }).unref?.();
}
