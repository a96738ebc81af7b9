/** Ends a request after `limitMs` or with the caller's signal, whichever comes first. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Which of them it was, once `signal` is aborted. */
  cause(): "timeout" | "caller" | undefined;
  stop(): void;
}

export function startDeadline(limitMs: number, caller: AbortSignal | undefined): Deadline {
  const controller = new AbortController();
  let cause: ReturnType<Deadline["cause"]>;
  const end = (why: "timeout" | "caller"): void => {
    cause ??= why;
    controller.abort();
  };
  const onAbort = (): void => end("caller");
  const timer = setTimeout(end, limitMs, "timeout");
  (timer as { unref?: () => void }).unref?.(); // in Node the socket holds the process, never this timer
  if (caller?.aborted) onAbort();
  caller?.addEventListener("abort", onAbort, { once: true });
  return {
    signal: controller.signal,
    cause: () => cause,
    stop() {
      clearTimeout(timer);
      caller?.removeEventListener("abort", onAbort);
    },
  };
}
