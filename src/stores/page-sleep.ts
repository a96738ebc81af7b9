/**
 * A page may be frozen, or kept for going back to it, and perhaps never run again: what it holds then others wait for,
 * and a browser throws it away for that. Before it sleeps everything is let go; what it begins waits until it wakes.
 * Workers are told nothing: they sleep with all that they hold.
 */
export interface PageSleep {
  /**
   * Calls `letGo` when the page is put to sleep, or soon when it sleeps already; afterwards nothing may run that was
   * waited for. Gives what stops that.
   */
  before(letGo: () => void): () => void;
  /** At once while the page is awake, else when it wakes. */
  awake(): Promise<void>;
  readonly asleep: boolean;
}

export function pageSleep(): PageSleep {
  const held = new Set<() => void>();
  let waking: PromiseWithResolvers<void> | undefined;
  let listening: AbortController | undefined;

  const sleep = (): void => {
    waking ??= Promise.withResolvers();
    for (const letGo of [...held]) letGo();
  };
  const wake = (): void => {
    waking?.resolve();
    waking = undefined;
    rest();
  };
  const hide = (event: Event): void => {
    if ((event as PageTransitionEvent).persisted) sleep();
  };
  const rest = (): void => {
    if (held.size > 0 || waking !== undefined) return;
    listening?.abort();
    listening = undefined;
  };
  const listen = (): AbortController => {
    const until = new AbortController();
    globalThis.document?.addEventListener("freeze", sleep, until);
    globalThis.document?.addEventListener("resume", wake, until);
    globalThis.addEventListener?.("pagehide", hide, until);
    globalThis.addEventListener?.("pageshow", wake, until);
    return until;
  };

  return {
    before(letGo) {
      held.add(letGo);
      listening ??= listen();
      if (waking !== undefined) queueMicrotask(letGo);
      return () => {
        held.delete(letGo);
        rest();
      };
    },
    awake: async () => waking?.promise,
    get asleep() {
      return waking !== undefined;
    },
  };
}
