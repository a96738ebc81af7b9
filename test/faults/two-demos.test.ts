import { memoryStore, runLogStore, type Store } from "runlog";
import { serve } from "runlog/server";
import { expect, it } from "vitest";
import { cli } from "../cli/cli.ts";
import { freePort } from "../env/process.ts";
import { collect, runScript, temporaryFolder } from "./child.ts";

it("two demos that share a store folder send each run only to its own server", async () => {
  const folder = temporaryFolder();
  const env = { RUNLOG_STORE: folder.path("store") };
  const ports = [await freePort(), await freePort()] as const;
  const [one, two] = ports.map((port) => `http://127.0.0.1:${port}`) as [string, string];
  const demo = async (name: string, url: string, timeout: string): Promise<string> =>
    (await runScript("demo", { args: [name, url, timeout], env })).stdout.trim();

  // Both servers are down: the runs wait in the store beside each other.
  const waiting = [await demo("one", one, "0"), await demo("two", two, "0")];
  const servers = await Promise.all(ports.map((port) => serve({ store: memoryStore(), port })));
  try {
    // The next start of a demo delivers what that demo left, and nothing of the other's.
    const third = await demo("one", one, "30000");
    expect(await runsOf(runLogStore(one))).toEqual([waiting[0], third].sort());
    expect(await runsOf(runLogStore(two))).toEqual([]);
    const fourth = await demo("two", two, "30000");
    expect(await cli(["sync", "--store", env.RUNLOG_STORE])).toMatchObject({ code: 0 });
    expect(await runsOf(runLogStore(one))).toEqual([waiting[0], third].sort());
    expect(await runsOf(runLogStore(two))).toEqual([waiting[1], fourth].sort());
  } finally {
    await Promise.all(servers.map((server) => server.close()));
    folder.remove();
  }
});

async function runsOf(store: Store): Promise<string[]> {
  return (await collect(store.runs())).map(({ run }) => run).sort();
}
