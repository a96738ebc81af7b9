import { describe, expect, it } from "vitest";
import { mlflow } from "../../../src/destinations/mlflow/index.ts";
import type { Answer, Call } from "../../../src/http/answer.ts";
import { randomFrom } from "../../faults/random.ts";
import { fakeServer } from "./fake-server.ts";
import { deliver, hold, startWriter } from "./harness.ts";

const destination = mlflow("http://127.0.0.1:9");

/** A server that answers some paths in its own way. */
function serverWith(special: Readonly<Record<string, Answer>>): {
  call: (call: Call) => Promise<Answer>;
  paths: string[];
} {
  const server = fakeServer();
  const paths: string[] = [];
  const call = async (request: Call): Promise<Answer> => {
    paths.push(request.path);
    const found = Object.keys(special).find((path) => request.path.includes(path));
    return found === undefined ? server.call(request) : (special[found] as Answer);
  };
  return { call, paths };
}

const notThere: Answer = {
  class: "missing",
  status: 404,
  json: { error_code: "RESOURCE_DOES_NOT_EXIST" },
  text: "",
};

describe("the run in MLflow", () => {
  it("is made before anything is tracked, with one search before and one after", async () => {
    const held = hold();
    startWriter(held).close();
    const { call, paths } = serverWith({});
    expect(await deliver(held, destination, { call })).toEqual({ state: "done" });
    const names = paths.map((path) => path.replace(/\?.*/, "").replace(/^.*\/mlflow\//, ""));
    expect(names).toEqual([
      "experiments/get-by-name",
      "runs/search",
      "runs/create",
      "runs/search",
      "server-info",
    ]);
  });

  it("is made once, 50 times over, whichever replies on the way to it are lost", async () => {
    const seed = Number(process.env["RUNLOG_SEED"] ?? Date.now() % 1_000_000);
    console.log(`RUNLOG_SEED=${seed}`);
    const random = randomFrom(seed);
    for (let round = 0; round < 50; round++) {
      const held = hold();
      const writer = startWriter(held, { parameters: { a: { json: 1 } } });
      writer.track("loss", 1);
      writer.close();
      let creations = 0;
      // The reply that tells of the creation is always lost the first time.
      const server = fakeServer(({ path }) =>
        path.endsWith("runs/create") ? creations++ === 0 : random() < 0.3,
      );
      let tries = 0;
      for (let state = ""; state !== "done"; tries++) {
        expect(tries).toBeLessThan(1_000);
        ({ state } = await deliver(held, destination, { call: server.call }));
      }
      expect([server.created, creations, server.rows.size, server.params.get("a")]).toEqual([1, 1, 1, "1"]);
    }
  });

  it("goes to the experiment of the option, of the tag, or Default", async () => {
    const asked = async (tag: string | undefined, experiment?: string): Promise<string> => {
      const held = hold();
      startWriter(held, tag === undefined ? {} : { tag }).close();
      const { call, paths } = serverWith({});
      const to = mlflow("http://127.0.0.1:9", experiment === undefined ? {} : { experiment });
      await deliver(held, to, { call });
      return new URL(paths[0] ?? "", "http://h").searchParams.get("experiment_name") ?? "";
    };
    expect(await asked(undefined)).toBe("Default");
    expect(await asked("a & b")).toBe("a & b");
    expect(await asked("tag", "mine")).toBe("mine");
  });

  it("parks when the server refuses the experiment's name", async () => {
    const held = hold();
    startWriter(held, { tag: "x" }).close();
    const refusal: Answer = {
      class: "refused",
      status: 400,
      json: { error_code: "INVALID_PARAMETER_VALUE", message: "name is too long" },
      text: "",
    };
    const { call } = serverWith({ "get-by-name": notThere, "experiments/create": refusal });
    const outcome = await deliver(held, destination, { call });
    expect(outcome).toMatchObject({ state: "park", problem: { code: "experiment_refused" } });
    expect(JSON.stringify(outcome)).toContain("name is too long");
  });
});
