import { describe, expect, it } from "vitest";
import type { Answer } from "../../../src/http/answer.ts";
import { encodeSegment } from "../../../src/model/segment-line.ts";
import type { Held } from "./harness.ts";
import { type Asked, batches, type Judge, losses, refuse, serverThat, steps } from "./judging-server.ts";

/** Runs and experiments that are there twice, deleted or gone, by answers of the tests' own. */

const done = { state: "done" };
const info = (id: string, stage = "active"): unknown => ({
  info: { run_id: id, status: "RUNNING", lifecycle_stage: stage, artifact_uri: "mlflow-artifacts:/1/x" },
  data: { tags: [], params: [], metrics: [] },
});
const ok = (json: unknown): Answer => ({ class: "ok", status: 200, json, text: "" });
const missing = refuse(404, "RESOURCE_DOES_NOT_EXIST", "no such run");
const experiment = (more: object = {}): Answer =>
  ok({
    experiment: { experiment_id: "1", name: "Default", lifecycle_stage: "active", creation_time: 1, ...more },
  });

describe("the run of a uid", () => {
  it("made twice at once is the one with the smallest id; the other is marked, then deleted", async () => {
    const asked = serverThat((name) => {
      if (name === "runs/search")
        return ok({ runs: [info("r3"), info("r1"), info("r2", "deleted"), info("r0", "deleted")] });
      return name === "runs/set-tag" || name === "runs/delete" ? ok({}) : undefined;
    });
    const held = losses(1);
    expect(await asked.deliver(held)).toEqual(done);
    expect(held.entry.state["run"]).toBe("r1");
    const sent = asked.names.flatMap((name, at) =>
      name === "runs/set-tag" || name === "runs/delete" ? [[name, JSON.parse(asked.bodies[at] ?? "")]] : [],
    );
    expect(sent).toEqual([
      ["runs/set-tag", { run_id: "r3", key: "runlog.twin", value: "r1" }],
      ["runs/delete", { run_id: "r3" }],
    ]);
  });

  it.each(["runs/set-tag", "runs/delete"])("is not used where %s of its twin fails", async (failing) => {
    const asked = serverThat((name) => {
      if (name === "runs/search") return ok({ runs: [info("r1"), info("r2")] });
      if (name === failing) return refuse(400, "INVALID_STATE", "no");
      return name === "runs/set-tag" || name === "runs/delete" ? ok({}) : undefined;
    });
    const held = losses(1);
    expect(await asked.deliver(held)).toMatchObject({ state: "retry", problem: { code: "refused" } });
    expect(batches(asked)).toBe(0);
  });

  it("that a person deleted is not made again", async () => {
    const asked = serverThat((name) =>
      name === "runs/search" ? ok({ runs: [info("r1", "deleted")] }) : undefined,
    );
    const outcome = await asked.deliver(losses(1));
    expect(outcome).toMatchObject({ state: "park", problem: { code: "run_deleted" } });
    expect(JSON.stringify(outcome)).toContain("--run-id r1");
    expect(asked.names).not.toContain("runs/create");
  });

  it("that does not show after it was made is waited for", async () => {
    const asked = serverThat((name) => (name === "runs/search" ? ok({}) : undefined));
    expect(await asked.deliver(losses(1))).toMatchObject({
      state: "retry",
      problem: { code: "run_not_found" },
    });
  });

  it("waits for a person where its experiment was deleted", async () => {
    const asked = serverThat((name) =>
      name === "experiments/get-by-name" ? experiment({ lifecycle_stage: "deleted" }) : undefined,
    );
    const outcome = await asked.deliver(losses(1));
    expect(outcome).toMatchObject({ state: "pause", problem: { code: "experiment_deleted" } });
    expect(JSON.stringify(outcome)).toContain("--experiment-id 1");
  });

  it("uses the experiment that another made in the same moment", async () => {
    const asked = serverThat((name, _, count) => {
      if (name === "experiments/create") return refuse(400, "RESOURCE_ALREADY_EXISTS", "exists");
      return name === "experiments/get-by-name" && count === 1 ? missing : undefined;
    });
    expect(await asked.deliver(losses(1))).toEqual(done);
    expect(steps(asked)).toEqual([0]);
  });
});

describe("a run that is gone", () => {
  /** A delivered run, and a server that from now on judges so. */
  const gone = async (judge: Judge): Promise<{ asked: Asked; held: Held }> => {
    let late = false;
    const asked = serverThat((name, body, count) => (late ? judge(name, body, count) : undefined));
    const held = losses(2);
    expect(await asked.deliver(held)).toEqual(done);
    const writer = held.segments[0]?.writer as string;
    held.segments.push(
      encodeSegment({ run: held.run, writer, seq: 1, clock: 1_763_888_000_100 }, [
        JSON.stringify({
          type: "metrics",
          task: "main",
          keys: ["loss"],
          key: [0],
          step: [2],
          time: [2],
          value: [2],
        }),
      ]),
    );
    late = true;
    return { asked, held };
  };

  it("for good, in an experiment that is the same, is left alone", async () => {
    const { asked, held } = await gone((name) => {
      if (name === "runs/log-batch") return missing;
      return name === "experiments/get" ? experiment({ name: "Default" }) : undefined;
    });
    expect(await asked.deliver(held)).toMatchObject({ state: "park", problem: { code: "run_purged" } });
    expect(held.entry.position).not.toEqual({});
  });

  it("with the whole server begins anew, from the first segment", async () => {
    let wiped = false;
    const { asked, held } = await gone((name) => {
      if (name === "experiments/get") return missing;
      if (name !== "runs/log-batch" || wiped) return undefined;
      wiped = true;
      asked.server.rows.clear();
      return missing;
    });
    expect(await asked.deliver(held)).toEqual(done);
    expect(steps(asked)).toEqual([0, 1, 2]);
    expect(held.entry.delivered).toBe(3);
  });

  it("again and again is waited for", async () => {
    const { asked, held } = await gone((name) =>
      name === "runs/log-batch" || name === "experiments/get" ? missing : undefined,
    );
    const before = batches(asked);
    expect(await asked.deliver(held)).toMatchObject({ state: "retry", problem: { code: "run_lost" } });
    // Once, and three times anew.
    expect(batches(asked) - before).toBe(4);
  });

  it("because a person deleted it is left alone, but for a twin that another host keeps", async () => {
    let twin = false;
    const refusal = refuse(400, "INVALID_PARAMETER_VALUE", "The run r1 must be in the 'active' state");
    const { asked, held } = await gone((name, body) => {
      if (name === "experiments/get") return experiment();
      if (name === "runs/search") return ok({ runs: [info("r1", "deleted"), ...(twin ? [info("r2")] : [])] });
      return name === "runs/log-batch" && body.includes('"r1"') ? refusal : undefined;
    });
    const named = held.entry.state["experiment"] as { name: string };
    expect(named.name).toBe("Default");
    expect(await asked.deliver(held)).toMatchObject({ state: "park", problem: { code: "run_deleted" } });
    twin = true;
    expect(await asked.deliver(held)).toEqual(done);
    expect(held.entry.state["run"]).toBe("r2");
  });

  it("is found by who asks for it", async () => {
    const { asked, held } = await gone((name) => {
      if (name === "runs/get") return ok({ run: info("r1", "deleted") });
      return name === "experiments/get" ? experiment() : undefined;
    });
    held.segments.pop();
    expect(await asked.deliver(held)).toEqual(done);
    expect(await asked.deliver(held, { verify: true })).toMatchObject({ state: "park" });
  });

  it("and whose server fails while it is asked about is tried again", async () => {
    const { asked, held } = await gone((name) => {
      if (name === "experiments/get") return { class: "retry", status: 503, text: "" };
      return name === "runs/log-batch" ? missing : undefined;
    });
    expect(await asked.deliver(held)).toMatchObject({ state: "retry" });
  });
});
