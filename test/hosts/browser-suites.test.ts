import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { bundleSuites } from "../browser/bundle.ts";
import { type Engine, openPage } from "../browser/engines.ts";
import { type Place, serveSuites } from "../browser/host.ts";
import { needs } from "../env/find.ts";

const LIMIT_MILLIS = 120_000;

/** Beside the page and the web worker, in which `npm test` runs every browser suite. */
const stages: readonly (readonly [Engine, Place])[] = [
  ["chromium", "shared worker"],
  ["chromium", "service worker"],
  ["firefox", "shared worker"],
  ["webkit", "shared worker"],
];

describe.each(stages)("in %s, a %s", (engine, place) => {
  let script: string;

  beforeAll(async () => {
    const test = fileURLToPath(new URL("../", import.meta.url));
    const files = ["client/indexeddb.browser.ts", "stores/indexeddb.browser.ts"];
    script = await bundleSuites(files.map((file) => resolve(test, file)));
  });

  it.skipIf(!needs(engine))(
    "keeps the client's and the store's promises",
    async () => {
      const host = await serveSuites(script, place, { services: {} });
      try {
        const browser = await openPage(engine, host.url);
        const outcome = await host.outcome(LIMIT_MILLIS).finally(() => browser.close());
        expect(outcome.failed).toEqual([]);
        expect(outcome.passed).toBeGreaterThan(20);
      } finally {
        await host.close();
      }
    },
    LIMIT_MILLIS * 2,
  );
});
