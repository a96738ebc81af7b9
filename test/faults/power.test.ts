import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openStore, runLogStore } from "runlog";
import { type Serving, serve } from "runlog/server";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { filesystemStore } from "../../src/stores/filesystem/index.ts";
import { cli } from "../cli/cli.ts";
import { needs } from "../env/find.ts";
import { startScript, temporaryFolder } from "./child.ts";
import { count } from "./count.ts";
import { type Disk, makeDisk } from "./disk-image.ts";
import { age, linesOf, stepsOf } from "./kept.ts";
import { randomFrom } from "./random.ts";

/** Power cuts in the middle of tracking: the disk is left with what was flushed to it, and nothing else. */

const seed = Number(process.env["RUNLOG_SEED"] ?? Date.now() % 1_000_000);
const random = randomFrom(seed);

describe.skipIf(!needs("loop"))("a power cut", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let disk: Disk;
  const servers = temporaryFolder();
  const kept = filesystemStore(servers.path("server"));
  let server: Serving;

  beforeAll(async () => {
    process.stderr.write(`power cuts: RUNLOG_SEED=${seed}\n`);
    server = await serve({ store: kept, port: 0 });
  });
  afterAll(async () => {
    await server?.close();
    await kept.close();
    servers.remove();
  });
  beforeEach(async () => {
    folder = temporaryFolder();
    disk = await makeDisk(folder.path());
  });
  afterEach(async () => {
    await disk?.remove();
    folder.remove();
  });

  /** Runs a script on the disk for a while, then cuts the power; gives the last step that it called saved. */
  const cutDuring = async (name: string, args: readonly string[]): Promise<number> => {
    let saved = -1;
    const begun = Promise.withResolvers<void>();
    const script = startScript(name, {
      args,
      env: { RUNLOG_STORE: join(disk.path, "store"), RUNLOG_SERVER: server.url },
      told(line) {
        if (!line.startsWith("flushed")) return;
        begun.resolve();
        saved = Number(line.split(" ")[1]);
      },
    });
    await Promise.race([begun.promise, script.ended]);
    await new Promise((resolve) => setTimeout(resolve, 200 + random() * 1_500));
    script.child.kill("SIGKILL");
    await script.ended;
    await disk.cut();
    return saved;
  };

  it("without a flush loses what was called saved, so this test can tell", async () => {
    mkdirSync(join(disk.path, "plain"));
    const file = join(disk.path, "plain", "log.jsonl");
    const saved = await cutDuring("no-flush", [file]);
    expect(saved).toBeGreaterThan(0);
    const left = existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0;
    expect(left).toBeLessThan(saved + 1);
  }, 60_000);

  it.each(Array.from({ length: count({ ci: 5, long: 100 }) }, (_, round) => round))(
    "loses nothing that flush() called durable, and delivers it (%i)",
    async (round) => {
      const run = `cut-${round}`;
      const saved = await cutDuring("tracks", [run, "flush"]);
      expect(saved).toBeGreaterThan(0);
      const store = join(disk.path, "store");
      const { loss = [], note = [] } = await stepsOf(openStore(store), run);
      expect(loss).toEqual(loss.map((_, step) => step));
      expect(loss.length).toBeGreaterThanOrEqual(saved + 1);
      expect(note.length).toBeGreaterThanOrEqual(saved + 1);
      await age(store);
      expect(await cli(["sync", "--store", store])).toMatchObject({ code: 0, stderr: "" });
      expect(await linesOf(runLogStore(server.url), run)).toEqual(await linesOf(openStore(store), run));
    },
    60_000,
  );
});
