import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { defineMetrics, metric, runLogStore, startRun } from "runlog";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { begin, cli, serving, temporaryFolder } from "./cli.ts";

// Each starts several processes, on a machine that may have other work.
vi.setConfig({ testTimeout: 60_000 });

const folder = temporaryFolder();
const store = folder.path("store");
const from = ["--store", store];
afterAll(folder.remove);

const metrics = defineMetrics({
  loss: metric({ goal: "min" }),
  accuracy: metric({ goal: "max" }),
  time: metric(),
});

beforeAll(async () => {
  const track = async (runId: string, parameters: object, values: readonly object[]): Promise<void> => {
    const run = startRun({ runId, store, syncTo: [], quiet: true, metrics, parameters: { ...parameters } });
    for (const [step, each] of values.entries()) run.track(each, { step });
    await run.finish();
  };
  await track("one", { lr: 0.1, seed: 7, only: "here" }, [
    { loss: 0.5, accuracy: 0.9 },
    { loss: 0.75, time: 3 },
  ]);
  await track("two", { lr: 0.2, seed: 7 }, [{ loss: 0.625, accuracy: 0.95 }, { loss: Number.NaN }]);
});

test("compare marks what differs, and the best by each metric's goal", async () => {
  const { code, stdout } = await cli(["compare", "one", "two", ...from]);
  expect(code).toBe(0);
  const lines = stdout.split("\n").map((line) => line.replace(/ {2,}/g, " | ").trim());
  expect(lines).toContain("* lr | 0.1 | 0.2");
  expect(lines).toContain("| seed | 7 | 7");
  expect(lines).toContain("* only | here | -");
  expect(lines).toContain("loss last | 0.75 | NaN");
  expect(lines).toContain("loss best (min) | 0.5 at 0 (best) | 0.625 at 0");
  expect(lines).toContain("accuracy best (max) | 0.9 at 0 | 0.95 at 0 (best)");
  expect(lines).toContain("time last | 3 | -");
});

test("compare --json", async () => {
  const { stdout } = await cli(["compare", "two", "one", "--json", ...from]);
  const compared = JSON.parse(stdout);
  expect(compared.runs.map(({ run }: { run: string }) => run)).toEqual(["two", "one"]);
  expect(compared.parameters).toEqual({
    lr: { differs: true, values: { two: 0.2, one: 0.1 } },
    seed: { differs: false, values: { two: 7, one: 7 } },
    only: { differs: true, values: { one: "here" } },
  });
  expect(compared.metrics.loss).toMatchObject({
    goal: "min",
    best: ["one"],
    runs: { two: { last: "NaN", best: 0.625 } },
  });
  expect(compared.metrics.accuracy).toMatchObject({ goal: "max", best: ["two"] });
  expect(compared.metrics.time.best).toEqual([]);
});

test("compare says what is wrong", async () => {
  expect((await cli(["compare", "one", "one", ...from])).code).toBe(2);
  const missing = await cli(["compare", "one", "nobody", ...from]);
  expect(missing).toMatchObject({ code: 1, stdout: "" });
  expect(missing.stderr).toContain("there is no run 'nobody'");
});

test.each([
  ["-best.accuracy", ["two", "one"]],
  ["best.loss", ["one", "two"]],
])("runs --sort %s", async (sort, wanted) => {
  const { stdout } = await cli(["runs", "--json", "--sort", sort, ...from]);
  expect((JSON.parse(stdout) as { run: string }[]).map(({ run }) => run)).toEqual(wanted);
});

/** Follows a run that is tracked meanwhile; `seen` resolves once stdout holds the text. */
async function following(...args: readonly string[]) {
  const { child, ended } = await begin(["series", ...args, "--follow", ...from], {});
  let text = "";
  const seen = (wanted: string): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => void (text.includes(wanted) && resolve());
      child.stdout.on("data", (part: string) => {
        text += part;
        look();
      });
      look();
    });
  return { child, seen, ended };
}

test("series --follow prints each point once as it comes, and ends with the run", async () => {
  const run = startRun({ runId: "live", store, syncTo: [], quiet: true });
  run.track({ other: 0 });
  await run.flush();
  const csv = await following("live", "loss", "--csv");
  const json = await following("live", "loss", "--json");
  const sawFirst = Promise.all([csv.seen("\n0,"), json.seen('"step":0')]);
  run.track({ loss: 0.5 }, { step: 0 });
  await run.flush();
  await sawFirst;
  for (let step = 1; step < 4; step++) run.track({ loss: step === 2 ? Number.NaN : step }, { step });
  await run.finish();
  const [asCsv, asJson] = await Promise.all([csv.ended, json.ended]);
  expect(asCsv.code).toBe(0);
  expect(asCsv.stdout.replace(/,\d{13},/g, ",T,")).toBe("step,time,value\n0,T,0.5\n1,T,1\n2,T,NaN\n3,T,3\n");
  expect(
    asJson.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toMatchObject([
    { step: 0, value: 0.5 },
    { step: 1, value: 1 },
    { step: 2, value: "NaN" },
    { step: 3, value: 3 },
  ]);
});

test("series --follow ends on an interrupt with 130", async () => {
  const run = startRun({ runId: "interrupted", store, syncTo: [], quiet: true });
  run.track({ loss: 0.5 }, { step: 3 });
  await run.flush();
  const { child, seen, ended } = await following("interrupted", "loss");
  await seen("0.5\n");
  child.kill("SIGINT");
  const { code, stdout } = await ended;
  expect(code).toBe(130);
  expect(stdout).toMatch(/^3 {2}\d{4}-\d\d-\d\dT[\d:.]+Z {2}0\.5\n$/);
  await run.finish();
});

test("series --follow of a key that never came names those that did", async () => {
  const { code, stderr } = await cli(["series", "one", "nothing", "--follow", ...from]);
  expect(code).toBe(1);
  expect(stderr).toContain("loss");
});

test("doctor names each setting's source, and no secret", async () => {
  const env = {
    MLFLOW_TRACKING_URI: "http://user:hunter2@127.0.0.1:9/path?token=hunter3#hunter4",
    MLFLOW_TRACKING_TOKEN: "hunter5",
    RUNLOG_TOKEN: "hunter6",
    RUNLOG_STORE: folder.path("elsewhere"),
  };
  const { code, stdout, stderr } = await cli(["doctor", ...from], { env });
  expect(code).toBe(3);
  expect(stdout + stderr).not.toContain("hunter");
  expect(stdout).toMatch(/store +\S+store +option --store/);
  expect(stdout).toMatch(/mode +on +default \(RUNLOG_MODE is not set\)/);
  expect(stdout).toMatch(
    /syncTo +http:\/\/127\.0\.0\.1:9\/path \(with user info, not shown\) +environment MLFLOW_/,
  );
  expect(stdout).toMatch(/credentials +set \(not shown\) +environment MLFLOW_TRACKING_TOKEN/);
  expect(stdout).toMatch(/store: \d+ runs, \d+ of them unfinished\n +can be written/);
  expect(stdout).toMatch(
    /mlflow http:\/\/127\.0\.0\.1:9\/path \(named by MLFLOW_TRACKING_URI\): unreachable/,
  );
  const other = await cli(["doctor"], { env: { RUNLOG_STORE: env.RUNLOG_STORE } });
  expect(other).toMatchObject({ code: 0, stderr: "" });
  expect(other.stdout).toMatch(/environment RUNLOG_STORE/);
  expect(other.stdout).toContain("not made yet");
});

test("doctor asks every destination, and says what waits and what to do", async () => {
  const here = ["--store", folder.path("waiting")];
  const there = await serving(["--port", "0", "--store", folder.path("there")]);
  const wrong = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<html>log in</html>");
  });
  await new Promise<void>((resolve) => wrong.listen(0, "127.0.0.1", resolve));
  try {
    const wrongUrl = `http://127.0.0.1:${(wrong.address() as AddressInfo).port}`;
    const run = startRun({
      store: folder.path("waiting"),
      syncTo: [runLogStore(there.url), runLogStore(wrongUrl)],
      quiet: true,
    });
    run.track({ loss: 1 });
    await run.finish("SUCCESS", { timeout: 5_000 });
    const { code, stdout } = await cli(["doctor", ...here]);
    expect(code).toBe(3);
    expect(stdout).toContain(`runlog ${there.url} (named by 1 run): answers; 0 pending, 0 set aside`);
    expect(stdout).toContain(`runlog ${wrongUrl} (named by 1 run): wrong_server; 1 pending, 0 set aside`);
    expect(stdout).toContain("no proxy or login page answers for it");
  } finally {
    wrong.closeAllConnections();
    await new Promise((resolve) => wrong.close(resolve));
    await there.stop();
  }
});

test("doctor fails where the store cannot be written", async () => {
  const file = folder.path("file");
  writeFileSync(file, "");
  const { code, stdout } = await cli(["doctor", "--store", file]);
  expect(code).toBe(1);
  expect(stdout).toContain("is no folder");
  expect(stdout).toContain("name another folder");
});
