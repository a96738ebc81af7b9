import type { World } from "./world.ts";

/** Runs what must not throw; what it rejects with is a broken promise. */
export function inside({ trace, witness }: World, body: () => unknown): void {
  void (async () => {
    try {
      await body();
    } catch (error) {
      trace.say(String(error));
      witness.broken("nothing throws", String(error instanceof Error ? error.stack : error));
    }
  })();
}
