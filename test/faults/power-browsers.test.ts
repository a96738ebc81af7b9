import { join } from "node:path";
import { memoryStore, openStore } from "runlog";
import { type Serving, serve } from "runlog/server";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { needs } from "../env/find.ts";
import { temporaryFolder } from "./child.ts";
import { count } from "./count.ts";
import { type Disk, makeDisk } from "./disk-image.ts";
import { stepsOf } from "./kept.ts";
import { hostPage, type PageHost } from "./pages/host.ts";
import { type Killable, openProfile } from "./pages/profiles.ts";
import type { Found, Told } from "./pages/tracks.ts";
import { randomFrom } from "./random.ts";

/**
 * Power cuts while a page tracks: the browser's profile is on a disk that is left with what was flushed to it, and
 * nothing else.
 */

const seed = Number(process.env["RUNLOG_SEED"] ?? Date.now() % 1_000_000);
const random = randomFrom(seed);
const megabytes = 384;

const engines = (["chromium", "firefox"] as const).filter((engine) => needs(engine));

describe.skipIf(!needs("loop"))("a power cut of a browser", () => {
  const store = memoryStore();
  let folder: ReturnType<typeof temporaryFolder>;
  let disk: Disk;
  let server: Serving;
  let host: PageHost;
  let browser: Killable | undefined;
  let told: Told;
  let found: PromiseWithResolvers<Found>;
  let acknowledged: PromiseWithResolvers<void>;

  beforeAll(async () => {
    process.stderr.write(`power cuts of browsers: RUNLOG_SEED=${seed}\n`);
    server = await serve({ store, port: 0 });
    host = await hostPage("tracks", (path, body) => {
      if (path === "/found") return found.resolve(body as Found);
      told = body as Told;
      if (told.flushed >= 0) acknowledged.resolve();
    });
  });
  afterAll(async () => {
    await host?.close();
    await server?.close();
  });
  beforeEach(async () => {
    folder = temporaryFolder();
    disk = await makeDisk(folder.path(), megabytes);
  });
  afterEach(async () => {
    await browser?.kill();
    await disk?.remove();
    folder.remove();
  });

  /** Opens the page on the profile of the disk; gives what it found there. */
  const open = async (engine: "chromium" | "firefox", query: Record<string, string>): Promise<Found> => {
    found = Promise.withResolvers();
    acknowledged = Promise.withResolvers();
    told = { tracked: [], flushed: -1 };
    const url = `${host.url}?${new URLSearchParams({ ...query, server: server.url })}`;
    browser = await openProfile[engine](join(disk.path, "profile"), url);
    return await Promise.race([found.promise, browser.gone]);
  };

  /** Tracks in a run for a while, then cuts the power; gives the last step that the page called saved. */
  const cutDuring = async (
    engine: "chromium" | "firefox",
    query: Record<string, string>,
  ): Promise<number> => {
    await open(engine, { ...query, mode: "flush" });
    await Promise.race([acknowledged.promise, browser?.gone]);
    await new Promise((resolve) => setTimeout(resolve, 500 + random() * 2_500));
    await browser?.kill();
    await disk.cut();
    return told.flushed;
  };

  describe.each(engines)("(%s)", (engine) => {
    it("with the browser's default durability loses what was called saved, so this test can tell", async () => {
      const saved = await cutDuring(engine, { run: "relaxed", durability: "relaxed" });
      expect(saved).toBeGreaterThan(0);
      const { relaxed = [] } = await open(engine, { run: `after-relaxed-${engine}`, mode: "never" });
      expect(relaxed.length).toBeLessThan(saved + 1);
      process.stderr.write(`${engine}, relaxed: ${saved + 1} called saved, ${relaxed.length} there\n`);
    }, 120_000);

    const rounds = Array.from({ length: count({ ci: 1, long: 20 }) }, (_, round) => round);
    it.each(rounds)(
      "loses nothing that flush() called durable, and delivers it (%i)",
      async (round) => {
        const run = `cut-${engine}-${round}`;
        const saved = await cutDuring(engine, { run });
        expect(saved).toBeGreaterThan(0);
        const { [run]: steps = [] } = await open(engine, { run: `after-${run}`, mode: "never" });
        expect(steps).toEqual(steps.map((_, step) => step));
        expect(steps.length).toBeGreaterThanOrEqual(saved + 1);
        process.stderr.write(`${engine}, ${round}: ${saved + 1} called saved, ${steps.length} there\n`);
        await expect
          .poll(async () => (await stepsOf(openStore(store), run))["loss"], { timeout: 60_000 })
          .toEqual(steps);
      },
      180_000,
    );
  });
});
