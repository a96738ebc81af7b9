import { describe, expect, it } from "vitest";
import { runLogStore } from "../../src/stores/remote.ts";
import { services } from "../browser/page.ts";
import { type Made, storeContract } from "../contract/store.ts";

storeContract(
  "a remote store, from a browser",
  async (): Promise<Made> => {
    const url = await runLogServer();
    return { store: runLogStore(url), reopen: async () => runLogStore(url), cleanup: async () => {} };
  },
  "remote",
);

describe("a server that a page cannot use", () => {
  it("is unreachable when nobody is there", async () => {
    const remote = runLogStore("http://127.0.0.1:9"); // discard: browsers refuse it without asking the network
    await expect(remote.position("demo")).rejects.toMatchObject({ code: "unreachable" });
  });

  it("that refuses the page's origin is told from one that is down, with its cure", async () => {
    const { refusing } = await services();
    if (refusing === undefined) throw new Error("the harness started no refusing server");
    const failed = await runLogStore(refusing)
      .position("demo")
      .catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: "unreachable", message: expect.stringContaining(location.origin) });
    expect(failed).toMatchObject({ message: expect.stringContaining("runlog serve --cors-origin") });
  });
});

async function runLogServer(): Promise<string> {
  const { runlog } = await services();
  if (runlog === undefined) throw new Error("the harness started no run-log store");
  return runlog;
}
