/** Runs the browser suites, as one bundle, in the engines that vitest does not reach here and in a web worker. */
import { globSync } from "node:fs";
import { resolve } from "node:path";
import { bundleSuites } from "../browser/bundle.ts";
import { type Engine, openPage } from "../browser/engines.ts";
import { type Place, serveSuites } from "../browser/host.ts";
import type { Outcome } from "../browser/run-suites.ts";
import { startServices } from "../browser/services.ts";
import { chromium, firefox, webkit } from "../env/find.ts";
import type { Part } from "./count.ts";

const LIMIT_MILLIS = 300_000;

/** A browser and where in it the suites run. */
interface Stage {
  readonly engine: Engine;
  readonly place: Place;
  readonly find: () => unknown;
}

const STAGES: readonly Stage[] = [
  { engine: "firefox", place: "page", find: firefox },
  { engine: "webkit", place: "page", find: webkit },
  { engine: "chromium", place: "worker", find: chromium },
];

/** Runs the browser suites whose path holds one of `filters` (all where there is none). */
export async function runBundles(filters: readonly string[]): Promise<Part[]> {
  const files = globSync("test/**/*.browser.ts")
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort();
  if (files.length === 0) return [];
  const services = await startServices();
  try {
    const script = await bundleSuites(files.map((file) => resolve(file)));
    const parts: Part[] = [];
    for (const stage of STAGES) parts.push(await run(stage, script, { services: services.urls }));
    return parts;
  } finally {
    await services.stop();
  }
}

async function run({ engine, place, find }: Stage, script: string, provided: object): Promise<Part> {
  const name = `${engine} ${place}`;
  if (find() === undefined) return { name, passed: 0, failed: 0, skipped: 1 };
  const host = await serveSuites(script, place, provided);
  try {
    const browser = await openPage(engine, host.url);
    const outcome = await host.outcome(LIMIT_MILLIS).finally(() => browser.close());
    report(name, outcome);
    return { name, passed: outcome.passed, failed: outcome.failed.length, skipped: outcome.skipped };
  } catch (error) {
    console.error(`FAILED ${name}: ${error instanceof Error ? error.stack : error}`);
    return { name, passed: 0, failed: 1, skipped: 0 };
  } finally {
    await host.close();
  }
}

function report(name: string, outcome: Outcome): void {
  for (const failure of outcome.failed)
    console.error(`FAILED ${name}: ${failure.name}\n${failure.message}\n`);
}
