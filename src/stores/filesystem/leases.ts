import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { isStale, type LeaseTable } from "../lease-locks.ts";
import { errorCode, readingFlag } from "./durable.ts";

/** Leases as files in `folder`: the token inside, touched by their modification time. */
export function fileLeases(folder: string): LeaseTable {
  const pathOf = (name: string): string =>
    join(folder, `${createHash("sha256").update(name).digest("hex")}.lease`);
  return {
    async claim(name, token, now, force) {
      const path = pathOf(name);
      const touched = await touchedAt(path);
      if (touched === undefined) return create(path, folder, token);
      if ((await holder(path)) === token) {
        await utimes(path, now / 1_000, now / 1_000);
        return true;
      }
      if (force !== true && !isStale(touched, now)) return false;
      return (await takeAway(path)) && create(path, folder, token);
    },
    async release(name, token) {
      const path = pathOf(name);
      if ((await holder(path)) === token) await rm(path, { force: true });
    },
    touched: (name) => touchedAt(pathOf(name)),
  };
}

async function create(path: string, folder: string, token: string): Promise<boolean> {
  await mkdir(folder, { recursive: true });
  try {
    const handle = await open(path, "wx");
    await handle.writeFile(token).finally(() => handle.close());
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

// Of several that find it stale one renames it; the others find it gone.
async function takeAway(path: string): Promise<boolean> {
  const mine = `${path}.${randomUUID()}`;
  try {
    await rename(path, mine);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  }
  await rm(mine, { force: true });
  return true;
}

async function touchedAt(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function holder(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, { encoding: "utf8", flag: readingFlag });
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
