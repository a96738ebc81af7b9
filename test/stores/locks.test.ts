import { mkdirSync, readdirSync, utimesSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { fileLeases } from "../../src/stores/filesystem/leases.ts";
import { isStale, leaseLocks } from "../../src/stores/lease-locks.ts";
import { nodeLocks } from "../../src/stores/node-locks.ts";
import { type Started, start } from "../env/process.ts";
import { watchDisk } from "./disk-calls.ts";
import { errno } from "./folder.ts";

const program = fileURLToPath(new URL("./hold-lock.ts", import.meta.url));
let folder: string;
const started: Started[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "runlog-locks-"));
});

afterEach(async () => {
  for (const one of started.splice(0)) await one.kill();
  await rm(folder, { recursive: true, force: true });
});

async function holder(name: string): Promise<Started> {
  const one = start({ command: process.execPath, args: [program, folder, name] });
  started.push(one);
  await expect.poll(() => one.output(), { timeout: 20_000 }).toContain("taken");
  return one;
}

describe.skipIf(process.platform !== "linux" && process.platform !== "win32")(
  "a lock that the kernel frees",
  () => {
    it("is held by a living process and free once that was killed", async () => {
      const name = `store/${folder}`;
      const one = await holder(name);
      const locks = nodeLocks(folder);
      expect(await locks.held(name)).toBe(true);
      expect(await locks.take(name)).toBeUndefined();
      await one.kill();
      await expect.poll(() => locks.held(name)).toBe(false);
      const release = await locks.take(name);
      expect(release).toBeDefined();
      release?.();
    });
  },
);

describe("leases as files", () => {
  it("go to one of many at once, and are free when let go", async () => {
    const locks = leaseLocks(fileLeases(join(folder, "deep")));
    const taken = await Promise.all(Array.from({ length: 20 }, () => locks.take("a")));
    const [release, ...others] = taken.filter((one) => one !== undefined);
    expect(others).toEqual([]);
    expect(await locks.held("a")).toBe(true);
    expect(await locks.held("b")).toBe(false);
    release?.();
    await expect.poll(() => locks.held("a")).toBe(false);
    expect(readdirSync(join(folder, "deep"))).toEqual([]);
  });

  it("are taken over by one of many once nobody touched them for a minute", async () => {
    const locks = leaseLocks(fileLeases(folder));
    const late = await locks.take("a");
    const [file] = readdirSync(folder);
    const old = Date.now() / 1_000 - 61;
    utimesSync(join(folder, file as string), old, old);
    expect(await locks.held("a")).toBe(false);
    const taken = await Promise.all(Array.from({ length: 20 }, () => locks.take("a")));
    expect(taken.filter((one) => one !== undefined)).toHaveLength(1);
    late?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await locks.held("a")).toBe(true);
    for (const release of taken) release?.();
  });

  it("are kept by the touches of their holder, and by nobody else's", async () => {
    const table = fileLeases(folder);
    const now = 1_700_000_000_000;
    const name = "a";
    expect(await table.touched(name)).toBeUndefined();
    await table.release(name, "mine");
    expect(await table.claim(name, "mine", Date.now())).toBe(true);
    expect(await table.claim(name, "mine", now)).toBe(true);
    expect(await table.touched(name)).toBe(now);
    expect(await table.claim(name, "other", now + 60_000)).toBe(false);
    await table.release(name, "other");
    expect(await table.touched(name)).toBe(now);
    expect(await table.claim(name, "other", now + 60_001)).toBe(true);
    expect(await table.claim(name, "mine", Date.now())).toBe(false);
    await table.release(name, "mine");
    expect(await table.touched(name)).toBeGreaterThan(now);
    await table.release(name, "other");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("tell what the disk says, and take no lease for free that they cannot read", async () => {
    const disk = await watchDisk(folder);
    const table = fileLeases(folder);
    await table.claim("a", "mine", 0);
    const [lease] = readdirSync(folder);
    const later = 120_000;
    for (const call of [`stat ${lease}`, `readFile ${lease}`, `rename ${lease} ${lease}`]) {
      disk.fail(call, errno("EIO"));
      utimesSync(join(folder, lease as string), 0, 0);
      await expect(table.claim("a", "other", later), call).rejects.toMatchObject({ code: "EIO" });
      disk.clear();
    }
    disk.fail(`stat ${lease}`, errno("EIO"));
    await expect(table.touched("a")).rejects.toMatchObject({ code: "EIO" });
    disk.fail(`readFile ${lease}`, errno("EIO"));
    await expect(table.release("a", "mine")).rejects.toMatchObject({ code: "EIO" });
    await table.release("a", "mine");
    disk.fail(`open ${lease}`, errno("EIO"));
    await expect(table.claim("a", "other", later)).rejects.toMatchObject({ code: "EIO" });
  });

  it("are lost by one of two who find the same stale one", async () => {
    const disk = await watchDisk(folder);
    const table = fileLeases(folder);
    await table.claim("a", "mine", 0);
    const [lease] = readdirSync(folder);
    utimesSync(join(folder, lease as string), 0, 0);
    disk.fail(`rename ${lease} ${lease}`, errno("ENOENT"));
    expect(await table.claim("a", "late", 120_000)).toBe(false);
    disk.fail(`open ${lease}`, errno("EEXIST"));
    expect(await table.claim("a", "late", 120_000)).toBe(false);
  });

  it("that hold a folder in their place are told", async () => {
    const table = fileLeases(folder);
    await table.claim("a", "mine", 0);
    const [lease] = readdirSync(folder) as [string];
    await table.release("a", "mine");
    mkdirSync(join(folder, lease));
    await expect(table.claim("a", "mine", Date.now())).rejects.toMatchObject({ code: "EISDIR" });
  });
});

describe("a lease", () => {
  it("is stale once nobody touched it for more than a minute, also by a clock that went back", () => {
    expect(isStale(1_000, 61_000)).toBe(false);
    expect(isStale(1_000, 61_001)).toBe(true);
    expect(isStale(61_001, 1_000)).toBe(true);
  });

  it("is touched each 15 s by its holder until it is let go, in a table that may fail", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const told: string[] = [];
    const locks = leaseLocks({
      async claim(name, token, now) {
        told.push(`claim ${name} ${token.length} at ${now - begun}`);
        if (told.length > 1) throw new Error("the disk is gone");
        return true;
      },
      async release(name, token) {
        told.push(`release ${name} ${token.length}`);
        throw new Error("the disk is gone");
      },
      touched: async () => begun,
    });
    const begun = Date.now();
    const release = await locks.take("a");
    expect(await locks.held("a")).toBe(true);
    await vi.advanceTimersByTimeAsync(30_000);
    release?.();
    await vi.advanceTimersByTimeAsync(60_001);
    expect(told).toEqual(["claim a 16 at 0", "claim a 16 at 15000", "claim a 16 at 30000", "release a 16"]);
    expect(await locks.held("a")).toBe(false);
  });
});

it("where the system has no better lock, files are leased", async () => {
  const platform = vi.spyOn(process, "platform", "get").mockReturnValue("darwin");
  onTestFinished(() => platform.mockRestore());
  const release = await nodeLocks(folder).take("a");
  expect(readdirSync(folder)).toHaveLength(1);
  release?.();
  await expect.poll(() => readdirSync(folder)).toEqual([]);
});
