import type { PageSleep } from "./page-sleep.ts";
import type { Locks } from "./store.ts";

/**
 * A page that is stopped without a word, and a worker of a frozen one, keep their locks and do nothing. Whoever waits
 * for such a lock asks its holder for a sign of life, by a message: one that runs answers at once, however slow its
 * work is and though its timers run once a minute while it is hidden. One that owes its answer for 12 s loses the lock.
 */

/** Locks that can be taken from whoever holds them. */
export interface ForcibleLocks extends Locks {
  /** @param force takes it also where somebody holds it */
  take(name: string, lost?: () => void, force?: boolean): Promise<(() => void) | undefined>;
}

/** With the 5 s for which observations are gathered, others deliver within 20 s. */
const silentMillis = 12_000;
/** A single question may meet a holder that just leaves, and the next answer is another's. */
const leastQuestions = 3;
const asks = "?";
const lives = "!";

/** Locks that are taken from holders without a sign of life by those who ask for that. */
export function takenFromSilent(locks: ForcibleLocks, page: PageSleep): Locks {
  const isSilent = createQuestions(page);
  return {
    async take(name, lost, fromSilent) {
      const taken = await locks.take(name, lost);
      if (fromSilent !== true) return taken;
      const free = taken ?? (canAsk() && isSilent(name) ? await locks.take(name, lost, true) : undefined);
      if (free === undefined || !canAsk()) return free;
      const close = listen(page, name, asks, (channel) => channel.postMessage(lives));
      return () => {
        close();
        free();
      };
    },
    held: (name) => locks.held(name),
  };
}

/** Asks whoever holds the lock; true for one that has answered nothing for too long. */
function createQuestions(page: PageSleep): (name: string) => boolean {
  const open = new Map<string, { since: number; count: number; close: () => void }>();
  const close = (name: string): void => {
    open.get(name)?.close();
    open.delete(name);
  };
  return (name) => {
    const now = performance.now();
    const question = open.get(name) ?? {
      since: now,
      count: 0,
      close: listen(page, name, lives, () => close(name)),
    };
    if (question.count >= leastQuestions && now - question.since > silentMillis) {
      close(name);
      return true;
    }
    open.set(name, question);
    question.count += 1;
    say(name, asks);
    return false;
  };
}

/** Without channels nobody can be asked: each keeps what it holds. */
function canAsk(): boolean {
  return typeof BroadcastChannel !== "undefined";
}

function say(name: string, word: string): void {
  const channel = new BroadcastChannel(name);
  channel.postMessage(word);
  channel.close();
}

/** Until the page sleeps: a browser throws away a sleeping page that hears something. Gives what ends it before. */
function listen(
  page: PageSleep,
  name: string,
  word: string,
  heard: (channel: BroadcastChannel) => void,
): () => void {
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }) => {
    if (data === word) heard(channel);
  };
  const close = (): void => {
    unwatch();
    channel.close();
  };
  const unwatch = page.before(close);
  return close;
}
