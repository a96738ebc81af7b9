/** Runs a tree of suites, one test after the other, and counts. */
import type { Body, Suite, Test, TestContext } from "./collect.ts";

/** What came of a bundle of suites. */
export interface Outcome {
  passed: number;
  skipped: number;
  failed: { name: string; message: string }[];
}

/** Limit of a test or hook that names none. */
const TIMEOUT_MILLIS = 30_000;

/** Thrown by `context.skip()`. */
class Skip extends Error {}

/** The way down to a test: names and the hooks of all suites around it. */
interface Way {
  readonly names: readonly string[];
  readonly skipped: boolean;
  readonly beforeEach: readonly Body[];
  readonly afterEach: readonly Body[];
}

/** Told before each test starts, so that a hang can be named. */
type Watcher = (name: string) => void;

/** Runs `root` and adds its counts to `outcome`. */
export async function runSuite(root: Suite, outcome: Outcome, watch: Watcher): Promise<void> {
  await descend(root, { names: [], skipped: false, beforeEach: [], afterEach: [] }, outcome, watch);
}

async function descend(suite: Suite, above: Way, outcome: Outcome, watch: Watcher): Promise<void> {
  const way: Way = {
    names: [...above.names, suite.name],
    skipped: above.skipped || suite.skipped,
    beforeEach: [...above.beforeEach, ...suite.hooks.beforeEach],
    afterEach: [...suite.hooks.afterEach, ...above.afterEach],
  };
  const cleanups: (() => unknown)[] = [];
  const around = (hooks: readonly Body[]): Promise<unknown> =>
    way.skipped ? Promise.resolve() : runHooks(hooks, NOWHERE, cleanups);
  try {
    await around(suite.hooks.beforeAll);
    for (const child of suite.children) {
      if (child.kind === "suite") await descend(child, way, outcome, watch);
      else await runTest(child, way, outcome, watch);
    }
  } catch (error) {
    outcome.failed.push({ name: [...way.names, "beforeAll"].join(" > "), message: text(error) });
  }
  try {
    await around(suite.hooks.afterAll.toReversed());
    for (const cleanup of cleanups.reverse()) await cleanup();
  } catch (error) {
    outcome.failed.push({ name: [...way.names, "afterAll"].join(" > "), message: text(error) });
  }
}

async function runTest(test: Test, way: Way, outcome: Outcome, watch: Watcher): Promise<void> {
  const name = [...way.names, test.name].join(" > ");
  if (test.skipped || way.skipped) {
    outcome.skipped++;
    return;
  }
  watch(name);
  const errors = await attempt(test, way);
  if (errors.length === 0) outcome.passed++;
  else if (errors.every((error) => error instanceof Skip)) outcome.skipped++;
  else outcome.failed.push({ name, message: errors.map(text).join("\n") });
}

/** Hooks, body, hooks, cleanups: the later ones also after a failure. */
async function attempt(test: Test, way: Way): Promise<unknown[]> {
  const errors: unknown[] = [];
  const cleanups: (() => unknown)[] = [];
  const context: TestContext = {
    skip(condition = true) {
      if (condition !== false) throw new Skip(String(condition));
    },
    onTestFinished: (body) => void cleanups.push(body),
  };
  const keep = async (part: () => Promise<unknown>): Promise<void> => {
    try {
      await part();
    } catch (error) {
      errors.push(error);
    }
  };
  await keep(async () => {
    await runHooks(way.beforeEach, context, cleanups);
    await limited(() => test.body(context), test.timeoutMillis ?? TIMEOUT_MILLIS);
  });
  for (const hook of way.afterEach) await keep(() => runHooks([hook], context, []));
  for (const cleanup of cleanups.reverse()) await keep(async () => cleanup());
  return errors;
}

async function runHooks(
  hooks: readonly Body[],
  context: TestContext,
  cleanups: (() => unknown)[],
): Promise<void> {
  for (const hook of hooks) {
    const cleanup = await limited(() => hook(context), TIMEOUT_MILLIS);
    if (typeof cleanup === "function") cleanups.push(() => cleanup());
  }
}

/** Context of a hook around a whole suite, where there is no test to skip. */
const NOWHERE: TestContext = {
  skip: () => refuse("skip"),
  onTestFinished: () => refuse("onTestFinished"),
};

function refuse(what: string): never {
  throw new Error(`${what} belongs to a test, not to beforeAll or afterAll`);
}

async function limited(body: () => unknown, millis: number): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${millis} ms`)), millis);
  });
  try {
    return await Promise.race([body(), limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Message and stack of a failure; not every engine's stack holds the message. */
export function text(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const head = `${error.name}: ${error.message}`;
  return error.stack?.includes(error.message) ? error.stack : `${head}\n${error.stack ?? ""}`;
}
