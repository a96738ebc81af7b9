import { readdirSync, utimesSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fileLeases } from "../../src/stores/filesystem/leases.ts";
import { leaseLocks } from "../../src/stores/lease-locks.ts";
import { nodeLocks } from "../../src/stores/node-locks.ts";
import { type Started, start } from "../env/process.ts";

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
});
