import { closeSync, openSync, rmSync, writeSync } from "node:fs";
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
import type { Told } from "./pages/tracks.ts";

/**
 * Another program fills the volume under Chromium's profile. What was flushed is not promised then: Chromium appends
 * behind a record that its database could write only in part, finds that damaged at a later opening, and deletes all
 * that the site kept. So this tests that the page goes on, that it keeps and delivers again once there is room, and that
 * what is gone shows as gone.
 */

const rounds = Array.from({ length: count({ ci: 1, long: 5 }) }, (_, round) => round);

describe.skipIf(!needs("loop") || !needs("chromium"))("a full volume under Chromium", () => {
  const store = memoryStore();
  let folder: ReturnType<typeof temporaryFolder>;
  let disk: Disk;
  let server: Serving;
  let host: PageHost;
  let browser: Killable | undefined;
  let told: Told;

  beforeAll(async () => {
    server = await serve({ store, port: 0 });
    host = await hostPage("tracks", (path, body) => {
      if (path === "/told") told = body as Told;
    });
  });
  afterAll(async () => {
    await host?.close();
    await server?.close();
  });
  beforeEach(async () => {
    folder = temporaryFolder();
    disk = await makeDisk(folder.path(), 192);
  });
  afterEach(async () => {
    await browser?.kill();
    await disk?.remove();
    folder.remove();
  });

  const open = async (run: string): Promise<void> => {
    told = { tracked: [], flushed: -1 };
    const query = new URLSearchParams({ run, mode: "flush", fill: "5000", server: server.url });
    const cache = `--disk-cache-dir=${folder.path("cache")}`;
    browser = await openProfile.chromium(join(disk.path, "profile"), `${host.url}?${query}`, [cache]);
  };
  const flushed = (step: number): Promise<unknown> =>
    expect.poll(() => told.flushed, { timeout: 60_000 }).toBeGreaterThanOrEqual(step);

  it.each(rounds)(
    "stops nothing, keeps again once there is room, and shows what is gone (%i)",
    async (round) => {
      const run = `full-${round}`;
      const filler = join(disk.path, "filler");
      await open(run);
      await flushed(50);
      const full = (): string => {
        fill(filler);
        return told.report?.storage ?? "";
      };
      await expect.poll(full, { timeout: 60_000 }).not.toBe("disk");
      const { problem, refused } = told.report ?? {};
      expect(problem?.action).toMatch(/free some space|mend the storage/);
      expect(refused).toBe(0);
      const before = told.tracked.length;
      await expect.poll(() => told.tracked.length, { timeout: 60_000 }).toBeGreaterThan(before + 50);
      rmSync(filler);
      const mark = told.tracked.length;
      await flushed(mark + 50);
      const saved = told.flushed;

      const there = async (): Promise<number[]> => (await stepsOf(openStore(store), run))["loss"] ?? [];
      await expect
        .poll(async () => (await there()).at(-1), { timeout: 60_000 })
        .toBeGreaterThanOrEqual(saved);
      const steps = await there();
      expect(new Set(steps).size).toBe(steps.length);
      const since = steps.filter((step) => step >= mark);
      expect(since).toEqual(since.map((_, at) => mark + at));
      const { lost = [] } = (await openStore(store).runLog(run)).run_config.runlog;
      const gone = (steps.at(-1) ?? 0) + 1 - steps.length;
      process.stderr.write(
        `full volume, ${round}: ${gone} of ${saved + 1} steps gone, shown as ${(lost as unknown[]).length} segments\n`,
      );
      if (gone > 0) expect(lost).toContainEqual(expect.objectContaining({ reason: "removed" }));
    },
    300_000,
  );
});

/** Takes every byte that is left. */
function fill(path: string): void {
  const file = openSync(path, "a");
  const zeros = Buffer.alloc(1 << 20);
  for (let size = zeros.length; size > 0; ) {
    try {
      writeSync(file, zeros, 0, size);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      size >>= 1;
    }
  }
  closeSync(file);
}
