import { showOver } from "./output.ts";

const everyMillis = 250;

/**
 * One line on stderr that is written over while `body` works, where stderr is a terminal; else nothing.
 * @param look what to say now
 */
export async function withProgress<T>(look: () => Promise<string>, body: () => Promise<T>): Promise<T> {
  if (!process.stderr.isTTY) return await body();
  let over = false;
  let looking: Promise<void> | undefined;
  const show = (text: string): void => {
    if (!over) showOver(text);
  };
  const timer = setInterval(() => {
    // A look that fails says nothing: what it looks at reports its own trouble.
    looking ??= look()
      .then(show, () => undefined)
      .finally(() => {
        looking = undefined;
      });
  }, everyMillis);
  try {
    return await body();
  } finally {
    over = true;
    clearInterval(timer);
    await looking;
    showOver("");
  }
}
