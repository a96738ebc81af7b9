import { memoryStore, openStore } from "runlog";
import { type Serving, serve } from "runlog/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHROMIUM_FLAGS } from "../browser/flags.ts";
import { chromium, needs } from "../env/find.ts";
import { type Started, start } from "../env/process.ts";
import { collect, temporaryFolder } from "./child.ts";
import { hostPage, type PageHost } from "./pages/host.ts";
import type { Found, Told } from "./pages/tracks.ts";
import { randomFrom } from "./random.ts";

const kills = 10;
const seed = Number(process.env.RUNLOG_SEED ?? Date.now() % 1_000_000);
const random = randomFrom(seed);
const folder = temporaryFolder();
const store = memoryStore();
let server: Serving;
let host: PageHost;
let browser: Started | undefined;
let told: Told = { tracked: [], flushed: -1 };
let found = Promise.withResolvers<Found>();
let begun = Promise.withResolvers<void>();

beforeAll(async () => {
  server = await serve({ store, port: 0 });
  host = await hostPage("tracks", (path, body) => {
    if (path === "/found") return found.resolve(body as Found);
    told = body as Told;
    begun.resolve();
  });
});
afterAll(async () => {
  await browser?.kill();
  await host?.close();
  await server?.close();
  folder.remove();
});

/** Opens the page in the one profile; gives what it found there. */
async function open(run: string, mode: string): Promise<Found> {
  found = Promise.withResolvers();
  begun = Promise.withResolvers();
  told = { tracked: [], flushed: -1 };
  const url = `${host.url}?${new URLSearchParams({ run, mode, server: server.url })}`;
  const flags = ["--headless=new", "--remote-debugging-port=0", `--user-data-dir=${folder.path("profile")}`];
  const started = start({ command: chromium() as string, args: [...CHROMIUM_FLAGS, ...flags, url] });
  browser = started;
  const gone = started.ended.then(() => Promise.reject(new Error(`Chromium ended: ${started.output()}`)));
  gone.catch(() => "it is killed in the end, when nobody waits any more");
  return await Promise.race([found.promise, gone]);
}

describe.skipIf(!needs("chromium"))("kill -9 of Chromium's process tree", () => {
  it(`loses nothing that was flushed or is 1.5 s old, ${kills} times; the next page delivers it`, async () => {
    process.stderr.write(`kill Chromium: RUNLOG_SEED=${seed}\n`);
    const least = new Map<string, number>();
    const most = new Map<string, number>();
    for (let kill = 0; kill < kills; kill++) {
      const [run, mode] = [`killed-${kill}`, kill % 2 === 0 ? "flush" : "never"];
      await open(run, mode);
      await begun.promise;
      await new Promise((resolve) => setTimeout(resolve, 300 + random() * 3_000));
      const killedAt = Date.now();
      await browser?.kill();
      const old = told.tracked.findLast(({ at }) => at < killedAt - 1_500)?.step ?? -1;
      least.set(run, Math.max(old, told.flushed));
      most.set(run, told.tracked.length);
    }
    expect([...least.values()].filter((step) => step >= 0).length).toBeGreaterThan(kills / 3);

    const left = await open("last", "never");
    for (const [run, step] of least) {
      const steps = left[run] ?? [];
      expect(steps).toEqual(Array.from({ length: steps.length }, (_, at) => at));
      expect(steps.length, run).toBeGreaterThanOrEqual(step + 1);
    }
    const here = Object.entries(left).filter(([run]) => least.has(run));
    await expect
      .poll(async () => Object.fromEntries(await delivered(here.map(([run]) => run))), { timeout: 60_000 })
      .toEqual(Object.fromEntries(here));
  }, 240_000);
});

/** The same as the page found, by what the server holds. */
async function delivered(runs: readonly string[]): Promise<[string, number[]][]> {
  const there = openStore(store);
  const known = new Set((await collect(there.runs())).map(({ run }) => run));
  return await Promise.all(
    runs.map(async (run): Promise<[string, number[]]> => {
      const rows = known.has(run) ? await there.rows(run, { key: "loss" }) : [];
      return [run, rows.map(({ step }) => step)];
    }),
  );
}
