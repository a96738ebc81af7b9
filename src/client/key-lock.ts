import type { LocalStore } from "../stores/store.ts";

/**
 * Two cells or tabs that resume one key at once come one after the other, so that the second continues the first's run.
 * After 5 s it goes on without: then there may be two runs, and nothing is lost.
 */
export async function takeKey(store: LocalStore, key: string): Promise<(() => void) | undefined> {
  const name = await store.id().then(
    (id) => `key:${id}:${key}`,
    () => undefined,
  );
  if (name === undefined) return undefined;
  for (let tries = 0; tries < 100; tries++) {
    const free = await store.locks.take(name);
    if (free !== undefined) return free;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return undefined;
}
