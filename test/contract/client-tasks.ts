import type { Task } from "runlog";
import { describe, expect, it } from "vitest";
import type { RunLog } from "../../src/read/run-log.ts";
import { type ClientHost, givenBy } from "./client-host.ts";

/** Tasks with retries and branches, run on every store in every host. */
export function clientTasksContract(name: string, host: ClientHost): void {
  const { api } = host;
  const options = givenBy(host);
  type Given = Awaited<ReturnType<typeof options>>;

  /** The run log as another process or page reads it. */
  const logOf = async (given: Given, run: string): Promise<RunLog> =>
    await api.openStore(await host.reopen(given.store)).runLog(run);

  describe(`tasks on ${name}`, () => {
    it("calls a body again after it threw; each attempt keeps its own, the run log shows the good one", async () => {
      const given = await options();
      const run = api.startRun(given);
      const result = await run.task("fit", { retries: 3 }, (task) => {
        task.track({ loss: 10 * task.attempt, note: `try ${task.attempt}` });
        if (task.attempt < 3) throw new Error(`no luck ${task.attempt}`);
        return task.attempt;
      });
      expect(result).toBe(3);
      expect((await run.finish()).status).toBe("SUCCESS");
      const { fit } = (await logOf(given, run.id)).steps;
      expect(fit?.status).toBe("SUCCESS");
      expect(
        fit?.attempts.map(({ attempt_number, status, message }) => [attempt_number, status, message]),
      ).toEqual([
        [1, "FAIL", "no luck 1"],
        [2, "FAIL", "no luck 2"],
        [3, "SUCCESS", ""],
      ]);
      expect(fit?.user_defined_metrics).toEqual({ loss: 30, note: "try 3" });
      const rows = await api.openStore(given.store).rows(run.id, { key: "loss" });
      expect(rows.map(({ value }) => value)).toEqual([10, 20, 30]);
    });

    it("gives up after the last retry: the error goes on, the run fails, all metrics stay", async () => {
      const given = await options();
      const run = api.startRun(given);
      const body = run.task("fit", { retries: 1 }, (task) => {
        task.track({ loss: task.attempt });
        throw new Error("never");
      });
      await expect(body).rejects.toThrow("never");
      expect((await run.finish()).status).toBe("FAIL");
      const { fit } = (await logOf(given, run.id)).steps;
      expect(fit?.attempts.map(({ status }) => status)).toEqual(["FAIL", "FAIL"]);
      expect(fit?.user_defined_metrics).toEqual({ loss: 2 });
    });

    it("runs branches at once, each with its own tasks and metrics", async () => {
      const given = await options();
      const run = api.startRun(given);
      const order: string[] = [];
      const both = await run.task("compare", (task) =>
        task.parallel({
          async small(branch) {
            branch.track({ size: 1 });
            await branch.task("train", async (train) => {
              order.push("small begins");
              await Promise.resolve();
              train.track({ loss: 0.5 }, { step: 3 });
              order.push("small ends");
            });
            return "s";
          },
          large: (branch) =>
            branch.task("train", (train) => {
              order.push("large");
              train.track({ loss: 0.25 }, { step: 3 });
              return 9;
            }),
        }),
      );
      expect(both).toEqual({ small: "s", large: 9 });
      expect(order).toEqual(["small begins", "large", "small ends"]);
      await run.finish();
      const { compare } = (await logOf(given, run.id)).steps;
      expect(compare).toMatchObject({ step_type: "parallel", status: "SUCCESS", internal_name: "compare" });
      expect(Object.keys(compare?.branches ?? {})).toEqual(["compare.small", "compare.large"]);
      const small = compare?.branches["compare.small"];
      expect(small).toMatchObject({ internal_name: "compare.small", status: "SUCCESS" });
      expect(Object.entries(small?.steps ?? {}).map(([key, { name: own }]) => [key, own])).toEqual([
        ["compare.small.main", "main"],
        ["compare.small.train", "train"],
        ["compare.small.success", "success"],
      ]);
      expect(small?.steps["compare.small.main"]?.user_defined_metrics).toEqual({ size: 1 });
      expect(small?.steps["compare.small.train"]?.user_defined_metrics).toEqual({ loss: { 3: 0.5 } });
      const store = api.openStore(given.store);
      expect((await store.series(run.id, "loss", { task: "compare.large.train" })).value).toEqual(
        Float64Array.of(0.25),
      );
    });

    it("waits for every branch, then throws what the first that failed threw", async () => {
      const given = await options();
      const run = api.startRun(given);
      const body = run.task("compare", (task) =>
        task.parallel({
          good: async (branch) => {
            await new Promise((resolve) => setTimeout(resolve, 20));
            branch.track({ loss: 1 });
          },
          bad: (branch) => {
            branch.track({ loss: 2 });
            throw new Error("no eggs");
          },
        }),
      );
      await expect(body).rejects.toThrow("no eggs");
      expect((await run.finish()).status).toBe("FAIL");
      const { compare } = (await logOf(given, run.id)).steps;
      expect(compare?.status).toBe("FAIL");
      const { "compare.good": good, "compare.bad": bad } = compare?.branches ?? {};
      expect([good?.status, bad?.status]).toEqual(["SUCCESS", "FAIL"]);
      expect(good?.steps["compare.good.main"]?.user_defined_metrics).toEqual({ loss: 1 });
      expect(bad?.steps["compare.bad.main"]).toMatchObject({
        status: "FAIL",
        user_defined_metrics: { loss: 2 },
      });
      expect(bad?.steps["compare.bad.fail"]?.step_type).toBe("fail");
    });

    it("maps items to branches, whatever their names, so many at once as asked", async () => {
      const given = await options();
      const run = api.startRun(given);
      let [together, most] = [0, 0];
      const squares = await run.task("sweep", (task) =>
        task.map(
          [0.01, 0.1, 1],
          async (lr, branch) => {
            most = Math.max(most, ++together);
            await branch.task("train", (train) => train.track({ lr }));
            together -= 1;
            return lr * 2;
          },
          { concurrency: 2 },
        ),
      );
      expect(squares).toEqual([0.02, 0.2, 2]);
      expect(most).toBe(2);
      await run.finish();
      const { sweep } = (await logOf(given, run.id)).steps;
      expect(sweep?.step_type).toBe("map");
      // A dot joins the names: one inside a name is written as %2E.
      expect(Object.keys(sweep?.branches ?? {})).toEqual(["sweep.0%2E01", "sweep.0%2E1", "sweep.1"]);
      const train = sweep?.branches["sweep.0%2E01"]?.steps["sweep.0%2E01.train"];
      expect(train).toMatchObject({ name: "train", user_defined_metrics: { lr: 0.01 } });
    });

    it("nests: a map in a branch, with retries around and inside, keeps every attempt apart", async () => {
      const given = await options();
      const run = api.startRun(given);
      await run.task("outer", { retries: 1 }, (task) =>
        task.parallel({
          left: (branch) =>
            branch.task("inner", { retries: 1 }, (inner) =>
              inner.map(["a"], (_, leaf) => {
                leaf.track({ seen: inner.attempt });
                if (inner.attempt < 4) throw new Error(`attempt ${inner.attempt}`);
              }),
            ),
        }),
      );
      expect((await run.finish()).status).toBe("SUCCESS");
      const rows = await api.openStore(given.store).rows(run.id, { key: "seen" });
      expect(rows.map(({ value, task }) => [value, task])).toEqual(
        [1, 2, 3, 4].map((attempt) => [attempt, "outer.left.inner.a.main"]),
      );
      const inner = (await logOf(given, run.id)).steps.outer?.branches["outer.left"]?.steps[
        "outer.left.inner"
      ];
      expect(inner?.attempts.map(({ attempt_number, status }) => [attempt_number, status])).toEqual([
        [1, "FAIL"],
        [2, "FAIL"],
        [3, "FAIL"],
        [4, "SUCCESS"],
      ]);
      const leaf = inner?.branches["outer.left.inner.a"]?.steps["outer.left.inner.a.main"];
      expect(leaf?.user_defined_metrics).toEqual({ seen: 4 });
    });

    it("refuses bad retries, concurrency and names before a body is called", async () => {
      const run = api.startRun(await options());
      let called = 0;
      const body = (): void => void called++;
      await expect(run.task("t", { retries: -1 }, body)).rejects.toThrow(
        "'retries' must be 0 or a whole number",
      );
      await expect(run.task("", body)).rejects.toThrow("must not be empty");
      const held = (hold: (task: Task) => Promise<unknown>): Promise<unknown> => run.task("t", hold);
      await expect(held((task) => task.map([1, 1], body))).rejects.toThrow("'1' names two branches");
      await expect(held((task) => task.map([1], body, { concurrency: 0 }))).rejects.toThrow("at least 1");
      await expect(held((task) => task.parallel({ "a\nb": body }))).rejects.toThrow("control characters");
      expect(called).toBe(0);
      await run.finish();
    });
  });
}
