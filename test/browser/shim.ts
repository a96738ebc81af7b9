/**
 * Stands in for "vitest" in the bundles that Firefox, WebKit and web workers run.
 * It has what browser suites use, under the same names; vitest's own assertions are bundled in.
 */
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from "@vitest/expect";
import type { ExpectStatic } from "vitest";
import { type Body, Collector, type Test } from "./collect.ts";

/** The declarations of this bundle. */
export const collector: Collector = new Collector();

const provided = new Map<string, unknown>();

/** Gives `inject` its values; called by the bundle's entry before the suites load. */
export function provide(values: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(values)) provided.set(key, value);
}

/** As vitest's `inject`. */
export function inject(key: string): unknown {
  return provided.get(key);
}

type Options = number | { timeout?: number; skip?: boolean };
type Declare = (name: string, second?: Options | Body, third?: Options | Body) => void;
type Table = (rows: readonly unknown[]) => (name: string, body: Body, options?: Options) => void;

/** `describe` or `it`, with the ways of choosing. */
interface Choosing extends Declare {
  readonly skip: Declare;
  readonly todo: Declare;
  skipIf(condition: unknown): Declare;
  runIf(condition: unknown): Declare;
  readonly each: Table;
  readonly for: Table;
}

function declareTest(skipped: boolean): Declare {
  return (name, second, third) => {
    const body = [second, third].find((part) => typeof part === "function");
    const options = [second, third].find((part) => typeof part === "number" || typeof part === "object");
    const timeout = typeof options === "object" ? options.timeout : options;
    const skip = skipped || body === undefined || (typeof options === "object" && options.skip === true);
    const test: Test = {
      kind: "test",
      name,
      skipped: skip,
      body: body ?? (() => {}),
      timeoutMillis: timeout,
    };
    collector.current.children.push(test);
  };
}

function declareSuite(skipped: boolean): Declare {
  return (name, second, third) => {
    const body = [second, third].find((part) => typeof part === "function");
    if (body !== undefined) collector.nest(name, skipped, body as () => unknown);
  };
}

function choices(make: (skipped: boolean) => Declare): Choosing {
  const skip = make(true);
  const plain = make(false);
  const table =
    (spread: boolean) =>
    (rows: readonly unknown[]) =>
    (name: string, body: (...values: never[]) => unknown, options?: Options): void => {
      for (const [index, row] of rows.entries()) {
        const values = spread && Array.isArray(row) ? row : [row];
        const bound: Body = (context) => Reflect.apply(body, undefined, [...values, context]);
        plain(title(name, values, index), bound, options);
      }
    };
  return Object.assign((...args: Parameters<Declare>) => plain(...args), {
    skip,
    todo: skip,
    skipIf: (condition: unknown) => (condition ? skip : plain),
    runIf: (condition: unknown) => (condition ? plain : skip),
    each: table(true),
    for: table(false),
  });
}

/** Fills `%s`-like places in order, `%#` by the index and `$key` from an object row. */
function title(name: string, values: readonly unknown[], index: number): string {
  let next = 0;
  const [row] = values;
  return name
    .replaceAll("%#", String(index))
    .replace(/%[sdifjop]/g, (place) => (next < values.length ? show(values[next++]) : place))
    .replace(/\$(\w+)/g, (place, key: string) =>
      typeof row === "object" && row !== null && key in row ? show(Reflect.get(row, key)) : place,
    );
}

function show(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export const describe: Choosing = choices(declareSuite);
export const test: Choosing = choices(declareTest);
export const it: Choosing = test;

const hook =
  (when: "beforeAll" | "afterAll" | "beforeEach" | "afterEach") =>
  (body: Body): void =>
    void collector.current.hooks[when].push(body);
export const beforeAll: (body: Body) => void = hook("beforeAll");
export const afterAll: (body: Body) => void = hook("afterAll");
export const beforeEach: (body: Body) => void = hook("beforeEach");
export const afterEach: (body: Body) => void = hook("afterEach");

for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);

/** vitest's `expect`, without snapshots and `soft`. */
export const expect: ExpectStatic = Object.assign(
  (value: unknown, message?: string) => chai.expect(value, message),
  chai.expect,
  Reflect.get(globalThis, ASYMMETRIC_MATCHERS_OBJECT),
  { poll },
) as never;
setState({ assertionCalls: 0 }, expect as never);

/** Of `vi`, only waiting: repeats `body` until it stops throwing. */
export const vi: { waitFor: typeof waitFor } = { waitFor };

async function waitFor<T>(
  body: () => T | Promise<T>,
  options: { timeout?: number; interval?: number } = {},
): Promise<T> {
  const deadline = Date.now() + (options.timeout ?? 1_000);
  for (;;) {
    try {
      return await body();
    } catch (error) {
      if (Date.now() >= deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, options.interval ?? 50));
  }
}

/** As vitest's: asks `read` again until the assertion that follows holds. */
function poll(read: () => unknown, options?: { timeout?: number; interval?: number }): unknown {
  const assertion = (path: readonly PropertyKey[]): unknown =>
    new Proxy(() => {}, {
      get: (_, key) => assertion([...path, key]),
      apply: (_, __, args: unknown[]) =>
        waitFor(async () => {
          const holder = path
            .slice(0, -1)
            .reduce((at, key) => Reflect.get(at, key), chai.expect(await read()) as object);
          Reflect.apply(Reflect.get(holder, path.at(-1) as PropertyKey), holder, args);
        }, options),
    });
  return assertion([]);
}
