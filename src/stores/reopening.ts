/**
 * A handle that may die under its users, as a database that the browser closes: whoever meets that lets it go and tries
 * again on a fresh one, which all share.
 */
export interface Reopening<H> {
  /** Runs `work`; again on a fresh handle while it dies, a bounded number of times: it must be safe to repeat. */
  use<T>(work: (handle: H) => Promise<T>): Promise<T>;
  /** Lets the handle go. A later `use` opens another. */
  close(): void;
}

export interface ReopeningParts<H> {
  /** @param lost call it when the handle is not to be used any more */
  open(lost: () => void): Promise<H>;
  close(handle: H): void;
  /** True for an error that says that the handle may have died, rather than that the work was wrong. */
  isLost(error: unknown): boolean;
}

/** Before each further try. After them, in 1.3 s, the caller is told; a run then keeps its data in memory and comes back. */
const pauses = [0, 50, 250, 1_000];

export function reopening<H>(parts: ReopeningParts<H>): Reopening<H> {
  let current: Promise<H> | undefined;

  /** Many users meet the death of one handle: it is let go once, and none takes the next one with it. */
  const drop = (dead: Promise<H> | undefined): void => {
    if (dead === undefined || dead !== current) return;
    current = undefined;
    dead.then(parts.close).catch(told);
  };
  const open = (): Promise<H> => {
    const opening: Promise<H> = parts.open(() => drop(opening));
    return opening;
  };

  return {
    async use(work) {
      for (let tries = 0; ; tries++) {
        current ??= open();
        const mine = current;
        let handle: H | undefined;
        try {
          handle = await mine;
          return await work(handle);
        } catch (error) {
          const lost = parts.isLost(error);
          if (lost || handle === undefined) drop(mine);
          const pause = pauses[tries];
          if (!lost || pause === undefined) throw error;
          await new Promise((resolve) => setTimeout(resolve, pause));
        }
      }
    },
    close: () => drop(current),
  };
}

function told(): void {
  // Whoever waited for this handle got the error.
}
