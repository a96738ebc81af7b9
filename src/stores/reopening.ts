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

/** Before each further try. After them, in 1.3 s, the caller is told; a run then keeps its data in memory and comes back. */
const pauses = [0, 50, 250, 1_000];

/**
 * @param open calls what it is given when the handle is not to be used any more
 * @param isLost true for an error that says that the handle may have died, rather than that the work was wrong
 */
export function reopening<H extends { close(): void }>(
  open: (lost: () => void) => Promise<H>,
  isLost: (error: unknown) => boolean,
): Reopening<H> {
  let current: Promise<H> | undefined;

  /** Many users meet the death of one handle: it is let go once, and none takes the next one with it. */
  const drop = (dead: Promise<H> | undefined): void => {
    if (dead === undefined || dead !== current) return;
    current = undefined;
    dead.then((handle) => handle.close()).catch(told);
  };
  const begin = (): Promise<H> => {
    const opening: Promise<H> = open(() => drop(opening));
    return opening;
  };

  return {
    async use(work) {
      for (let tries = 0; ; tries++) {
        current ??= begin();
        const mine = current;
        let handle: H | undefined;
        try {
          handle = await mine;
          return await work(handle);
        } catch (error) {
          const lost = isLost(error);
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
