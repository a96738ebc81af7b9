/** The tree of suites and tests that a browser bundle declares. */

/** A hook or test body. A hook before tests may return its own cleanup. */
export type Body = (context: TestContext) => unknown;

/** What a test body is handed. */
export interface TestContext {
  /** Ends the test as skipped when `condition` holds (default true). */
  skip(condition?: boolean | string): void;
  /** Runs after the test and its hooks, also when it failed. */
  onTestFinished(body: () => unknown): void;
}

/** A test: `body` is absent or unused where it is skipped. */
export interface Test {
  readonly kind: "test";
  readonly name: string;
  readonly skipped: boolean;
  readonly body: Body;
  readonly timeoutMillis: number | undefined;
}

/** A group of tests with its hooks. */
export interface Suite {
  readonly kind: "suite";
  readonly name: string;
  readonly skipped: boolean;
  readonly children: (Suite | Test)[];
  readonly hooks: Record<"beforeAll" | "afterAll" | "beforeEach" | "afterEach", Body[]>;
}

/** An empty group. */
export function suite(name: string, skipped = false): Suite {
  const hooks = { beforeAll: [], afterAll: [], beforeEach: [], afterEach: [] };
  return { kind: "suite", name, skipped, children: [], hooks };
}

/** Where declarations go: the suites that are open now, outermost first. */
export class Collector {
  readonly #open: Suite[] = [];

  /** The innermost open suite. */
  get current(): Suite {
    const innermost = this.#open.at(-1);
    if (innermost === undefined)
      throw new Error("declare suites, tests and hooks while their file loads, not inside a test");
    return innermost;
  }

  /** Declares a suite; `declare` runs at once, or is awaited for a file. */
  async open(name: string, skipped: boolean, declare: () => unknown): Promise<Suite> {
    const opened = suite(name, skipped);
    this.#open.at(-1)?.children.push(opened);
    this.#open.push(opened);
    try {
      await declare();
    } finally {
      this.#open.pop();
    }
    return opened;
  }

  /** Declares a nested suite synchronously, as `describe` does. */
  nest(name: string, skipped: boolean, declare: () => unknown): void {
    const opened = suite(name, skipped);
    this.current.children.push(opened);
    this.#open.push(opened);
    try {
      if (declare() instanceof Promise) throw new Error(`describe("${name}") must not be async`);
    } finally {
      this.#open.pop();
    }
  }
}
