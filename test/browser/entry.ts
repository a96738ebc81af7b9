/** Start of a bundle of browser suites: in a page or a worker, it loads, runs and reports to the host that served it. */
import { type Outcome, runSuite, text } from "./run-suites.ts";
import { collector, provide } from "./shim.ts";

/** Runs the files in order and posts the outcome to `/outcome`. */
export async function runBundle(
  files: readonly (readonly [string, () => Promise<unknown>])[],
): Promise<void> {
  const outcome: Outcome = { passed: 0, skipped: 0, failed: [] };
  const unhandled = (what: string, error: unknown): void => {
    outcome.failed.push({ name: what, message: text(error) });
  };
  addEventListener("error", (event) => unhandled("uncaught error", event.error ?? event.message));
  addEventListener("unhandledrejection", (event) => unhandled("unhandled rejection", event.reason));
  const response = await fetch("/provided.json");
  provide((await response.json()) as Record<string, unknown>);
  for (const [name, load] of files) {
    try {
      await runSuite(await collector.open(name, false, load), outcome, running);
    } catch (error) {
      unhandled(`${name} did not load`, error);
    }
  }
  await post("/outcome", JSON.stringify(outcome));
}

/** Tells the host which test runs now; it matters only if the test never ends. */
function running(name: string): void {
  post("/running", name).catch((error: unknown) => console.warn(`the host does not listen: ${error}`));
}

async function post(path: string, body: string): Promise<void> {
  await fetch(path, { method: "POST", body });
}
