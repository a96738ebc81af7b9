/** One way in which a script ends, by the name in its argument. With `PLAIN=1` the same without runlog. */
import { startRun, trackRun } from "../../../src/node.ts";

const [name = ""] = process.argv.slice(2);
const plain = process.env.PLAIN === "1";

interface Begun {
  track(values: Record<string, unknown>, options?: { step: number }): void;
  finish(): Promise<unknown>;
  task(name: string, body: () => unknown): Promise<unknown>;
}

function begin(): Begun {
  if (!plain) return startRun({ runId: name, tag: "endings", quiet: true });
  const task = async (_: string, body: () => unknown): Promise<unknown> => body();
  return { track: () => {}, finish: async () => {}, task };
}

function tracked(): Begun {
  const run = begin();
  for (let step = 0; step < 10; step++) run.track({ loss: step }, { step });
  return run;
}

async function within(body: () => void): Promise<void> {
  if (plain) return body();
  await trackRun({ runId: name, tag: "endings", quiet: true }, (run) => {
    run.track({ loss: 1 });
    body();
  });
}

const fail = (message: string): never => {
  throw new Error(message);
};

const hour = 3_600_000;

/** Leaves before its end, as `if (done) return` in a script's main function does. */
async function early(): Promise<void> {
  const run = tracked();
  if (name === "early") return;
  await run.finish();
}

const endings: Record<string, () => unknown> = {
  finished: () => tracked().finish(),
  returned: () => within(() => {}),
  threw: () => within(() => fail("out of eggs")),
  early,
  error: () => tracked() && fail("no spam"),
  rejection: () => {
    tracked();
    void Promise.reject(new Error("no luck"));
  },
  timer: () => {
    tracked();
    setTimeout(() => fail("too late"), 20);
  },
  "exit-0": () => tracked() && process.exit(0),
  "exit-3": () => tracked() && process.exit(3),
  "exit-later": () => tracked() && setTimeout(() => process.exit(4), 300),
  "exit-code-2": () => {
    tracked();
    process.exitCode = 2;
  },
  "exit-in-finish": () => {
    void tracked().finish();
    process.exit(0);
  },
  "failed-task": async () => {
    const run = tracked();
    await run.task("evaluate", () => fail("no data")).catch(() => "the script goes on");
    process.exit(0);
  },
  "caught-error": () => {
    process.on("uncaughtException", () => process.exit(0));
    tracked();
    fail("caught by the script");
  },
  "thousand-in-one-tick": () => {
    const run = begin();
    for (let step = 0; step < 1_000; step++) run.track({ loss: step }, { step });
    process.exit(0);
  },
  "own-handler": () => {
    process.on("SIGINT", () => process.exit(7));
    waits();
  },
  // As libraries do that clean up at a signal: they end the program if they find that nobody else would.
  "lonely-handler": () => {
    const handler = (): void => {
      if (process.listenerCount("SIGINT") > 1) return;
      process.off("SIGINT", handler);
      process.kill(process.pid, "SIGINT");
    };
    process.on("SIGINT", handler);
    waits();
  },
  graceful: () => {
    const run = tracked();
    const timer = setTimeout(() => {}, hour);
    process.on("SIGTERM", () => {
      clearTimeout(timer);
      run.track({ loss: 10 }, { step: 10 });
    });
    process.stdout.write("ready\n");
  },
  SIGINT: waits,
  SIGTERM: waits,
  SIGHUP: waits,
};

/** Ready once something is tracked that no timer has written yet. */
function waits(): void {
  const run = tracked();
  setTimeout(() => {}, hour);
  setTimeout(() => {
    run.track({ loss: 10 }, { step: 10 });
    process.stdout.write("ready\n");
  }, 300);
}

await endings[name]?.();
