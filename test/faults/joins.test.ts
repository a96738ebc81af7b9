import { existsSync } from "node:fs";
import { memoryStore, openStore, runLogStore, type Segment } from "runlog";
import { afterEach, beforeEach, expect, it } from "vitest";
import { foldSegments } from "../../src/read/fold.ts";
import { runLog } from "../../src/read/run-log.ts";
import type { RunState } from "../../src/read/state.ts";
import { openPage } from "../browser/engines.ts";
import { needs } from "../env/find.ts";
import { freePort } from "../env/process.ts";
import { collect, type Script, startScript, temporaryFolder } from "./child.ts";
import { hostPage } from "./pages/host.ts";
import { startServer } from "./server.ts";

let folder: ReturnType<typeof temporaryFolder>;
const scripts: Script[] = [];
const closers: (() => Promise<void>)[] = [];
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  for (const { child } of scripts) child.kill("SIGKILL");
  await Promise.all(scripts.splice(0).map(({ ended }) => ended));
  await Promise.all(closers.splice(0).map((close) => close()));
  folder.remove();
});

it.skipIf(!needs("chromium"))(
  "processes, threads and a page write to one run, and their server is killed meanwhile",
  async () => {
    const port = await freePort();
    let server = await startServer(folder.path("server"), port);
    const start = (name: string, ...args: string[]): Script => {
      const env = { RUNLOG_STORE: folder.path(name), RUNLOG_SERVER: server.url };
      const script = startScript("joins", { args: [name, "together", ...args], env });
      scripts.push(script);
      return script;
    };
    try {
      const first = start("first");
      const [, uid = ""] = (await first.firstLine()).split(" ");
      const second = start("second", uid);
      const page = await joinByPage(uid, server.url);
      await second.firstLine();
      for (let kills = 0; kills < 2; kills++) {
        await new Promise((resolve) => setTimeout(resolve, 700));
        await server.kill();
        server = await startServer(folder.path("server"), port);
      }
      for (const script of [first, second]) {
        expect(await script.ended).toMatchObject({
          code: 0,
          stderr: "",
          stdout: expect.stringMatching(/done\n$/),
        });
      }

      const union = await segmentsOf(["first", "first-thread", "second", "second-thread"]);
      union.push(...(await page.segments));
      const there = await collect(runLogStore(server.url).segments("together"));
      expect(new Set(there.map(nameOf))).toEqual(new Set(union.map(nameOf)));
      expect(there).toHaveLength(union.length);
      const state = foldSegments(union) as RunState;
      expect(state.status).toBe("SUCCESS");
      const served = await fetch(`${server.url}/v1/runs/together`);
      expect(await served.json()).toEqual(runLog(state));
      const every = Array.from({ length: 300 }, (_, step) => step);
      for (const part of ["first", "first-thread", "second", "second-thread", "page"]) {
        const answer = await fetch(`${server.url}/v1/runs/together/series?key=loss-${part}`);
        expect(await answer.json()).toMatchObject({ step: every, value: every });
      }
    } finally {
      await server.kill();
    }
  },
  120_000,
);

/** Opens a page that joins the run; gives what its own store holds in the end. */
async function joinByPage(uid: string, server: string): Promise<{ readonly segments: Promise<Segment[]> }> {
  const lines = Promise.withResolvers<string>();
  const host = await hostPage("joins", (_, body) => lines.resolve(body as string));
  const url = `${host.url}?${new URLSearchParams({ run: "together", uid, server })}`;
  const browser = await openPage("chromium", url);
  closers.push(async () => {
    await browser.close();
    await host.close();
  });
  const segments = lines.promise.then(async (text) => {
    const store = openStore(memoryStore());
    await store.import(text);
    return await collect(store.segments("together"));
  });
  return { segments };
}

async function segmentsOf(stores: readonly string[]): Promise<Segment[]> {
  const all: Segment[] = [];
  for (const name of stores) {
    expect(existsSync(folder.path(name))).toBe(true);
    all.push(...(await collect(openStore(folder.path(name)).segments("together"))));
  }
  return all;
}

function nameOf({ writer, seq, crc, bytes }: Segment): string {
  return `${writer} ${seq} ${crc} ${bytes.length}`;
}
