/**
 * runlog in pages, workers and runtimes without a file system: runs are kept in IndexedDB, or in memory where there
 * is none. `node.ts` has the same names.
 */
import type { CurrentRun, Platform } from "./client/platform.ts";
import type { Run } from "./client/run.ts";
import { createBrowserLifecycle } from "./lifecycle/browser.ts";
import type { CodeIdentity } from "./model/code-identity.ts";
import { type Client, createClient } from "./run.ts";
import { indexedDbStore } from "./stores/indexeddb.ts";

export * from "./exports.ts";

/** What a bundler puts in its place; `runlog/vite` does. */
declare const __RUNLOG_CODE__: CodeIdentity | { readonly problem: string };

function webPlatform(): Platform {
  const lifecycle = createBrowserLifecycle();
  return {
    host: () => ({ name: "browser", version: globalThis.navigator?.userAgent ?? "unknown" }),
    code: async () => (typeof __RUNLOG_CODE__ === "undefined" ? undefined : __RUNLOG_CODE__),
    openStore: (name) => (hasDatabase() ? indexedDbStore(name) : undefined),
    persist: async () => (await globalThis.navigator?.storage?.persist?.()) ?? false,
    destinations: () => [],
    setting: () => undefined,
    variables: undefined,
    current: createCurrentRuns(),
    watch: (run) => lifecycle.watch(run),
    syncCommand: () => undefined,
    warn: (message) => console.warn(message),
    timer(run, millis) {
      const timer = setTimeout(run, millis);
      return () => clearTimeout(timer);
    },
  };
}

/** Where a site is refused storage, some browsers throw at the mere look. */
function hasDatabase(): boolean {
  try {
    return globalThis.indexedDB !== undefined;
  } catch {
    return false;
  }
}

/** Without async context a page cannot tell which of several unfinished `trackRun`s called: it offers all. */
function createCurrentRuns(): CurrentRun {
  const running = new Set<Run>();
  return {
    within(run, body) {
      const leave = (): void => void running.delete(run);
      running.add(run);
      let result: ReturnType<typeof body> | undefined;
      try {
        result = body();
        return result;
      } finally {
        if (result instanceof Promise) result.then(leave, leave);
        else leave();
      }
    },
    innermost: () => [...running],
  };
}

const client: Client = /* @__PURE__ */ createClient(/* @__PURE__ */ webPlatform());

// Functions, not properties read at import: a bundler can leave out what a page does not use.
export const startRun: Client["startRun"] = (options) => client.startRun(options);
export const resumeRun: Client["resumeRun"] = (options) => client.resumeRun(options);
export const trackRun: Client["trackRun"] = (options, body) => client.trackRun(options, body);
export const trackThis: Client["trackThis"] = (values, options) => client.trackThis(values, options);
export const openStore: Client["openStore"] = (store) => client.openStore(store);
