/** Marks the listener of this and any other copy of the library. */
const brand = Symbol.for("runlog.rejection");

/**
 * Tells of promises that nobody handles, in Bun: there they make the process end with code 1, but neither
 * `uncaughtExceptionMonitor` nor the exit hook hears of it (oven-sh/bun#38116). A listener silences Bun, so this one
 * steps aside and rejects once more.
 * @returns what stops telling
 */
export function watchBunRejections(tell: (error: unknown) => void): () => void {
  let stopped = false;
  const rejected = (error: unknown): void => {
    const others = process.listeners("unhandledRejection").filter((each) => each !== rejected);
    if (others.some((each) => !(brand in each))) return; // somebody else handles it
    tell(error);
    process.off("unhandledRejection", rejected);
    if (others.length === 0) void Promise.reject(error);
    setImmediate(() => {
      if (!stopped) process.on("unhandledRejection", rejected);
    }).unref();
  };
  Object.defineProperty(rejected, brand, { value: true });
  process.on("unhandledRejection", rejected);
  return () => {
    stopped = true;
    process.off("unhandledRejection", rejected);
  };
}
