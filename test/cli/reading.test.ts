import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { openStore, trackRun } from "runlog";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { cli, temporaryFolder } from "./cli.ts";

// Each starts several processes, on a machine that may have other work.
vi.setConfig({ testTimeout: 60_000 });

const folder = temporaryFolder();
const store = folder.path("store");
const from = ["--store", store];
let [first, second] = ["", ""];

beforeAll(async () => {
  const options = { store, syncTo: [], tag: "digits" };
  await trackRun({ ...options, parameters: { lr: 0.01, note: "\u001b[31mred\u202e" } }, (run) => {
    first = run.id;
    for (let step = 0; step < 5; step++) run.track({ loss: 1 / (step + 1) }, { step });
    run.track({ odd: Number.NaN }, { step: 1 });
    run.track({ text: 'a "quoted", text' });
  });
  await trackRun({ ...options, tag: "other", parameters: { lr: 0.5 } }, async (run) => {
    second = run.id;
    await run.task("evaluate", (task) => task.track({ loss: 7 }, { step: 3 }));
  });
});
afterAll(folder.remove);

test("runs lists what is there, newest first", async () => {
  const { code, stdout } = await cli(["runs", ...from]);
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(3);
  expect(lines[1]).toMatch(new RegExp(`^${second} +other +SUCCESS .* evaluate/loss 7$`));
  expect(lines[2]).toMatch(new RegExp(`^${first} +digits +SUCCESS .* loss 0.2, odd NaN$`));
});

test.each([
  [["--tag", "digits"], "first"],
  [["--where", "parameters.lr>=0.1"], "second"],
  [["--where", "parameters.lr<0.1", "--where", "parameters.lr>=0.01"], "first"],
  [["--where", "tag=other"], "second"],
  [["--sort", "parameters.lr"], "first second"],
  [["--sort", "-parameters.lr"], "second first"],
  [["--status", "fail"], ""],
])("runs %j gives %s", async (args, wanted) => {
  const { code, stdout } = await cli(["runs", ...from, "--json", ...args]);
  expect(code).toBe(0);
  const names = (JSON.parse(stdout) as { run: string }[]).map(({ run }) =>
    run === first ? "first" : "second",
  );
  expect(names.join(" ")).toBe(wanted);
});

test("show prints parameters without what could steer the terminal", async () => {
  const { code, stdout } = await cli(["show", first, ...from]);
  expect(code).toBe(0);
  expect(stdout).toContain("SUCCESS");
  expect(stdout).toMatch(/^lr +0\.01$/m);
  expect(stdout).toMatch(/^note +\\u001b\[31mred\\u202e$/m);
  expect(stdout).not.toMatch(/\u001b|\u202e/);
});

test("show --json is the run log", async () => {
  const { stdout } = await cli(["show", first, "--json", ...from]);
  const opened = openStore(store);
  const log = await opened.runLog(first);
  await opened.close();
  expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(log)));
});

test("series prints a table, JSON and CSV", async () => {
  const table = await cli(["series", first, "loss", ...from]);
  expect(table.stdout.split("\n")[5]).toMatch(/^4 +\d{4}-\d\d-\d\dT[\d:.]+Z +0\.2$/);
  const json = await cli(["series", first, "odd", "--json", ...from]);
  expect(JSON.parse(json.stdout)).toMatchObject({ step: [1], value: ["NaN"] });
  const csv = await cli(["series", first, "text", "--csv", ...from]);
  expect(csv.stdout).toMatch(/^step,time,value\n0,\d{13},"a ""quoted"", text"\n$/);
  const task = await cli(["series", second, "loss", "--task", "evaluate", "--csv", ...from]);
  expect(task.stdout).toMatch(/\n3,\d+,7\n$/);
});

test("what is not there is said, with what to do", async () => {
  const run = await cli(["show", "nobody", ...from]);
  expect(run).toMatchObject({ code: 1, stdout: "" });
  expect(run.stderr).toContain("there is no run 'nobody'");
  const key = await cli(["series", first, "acuracy", ...from]);
  expect(key.code).toBe(1);
  expect(key.stderr).toContain("loss");
  const missing = await cli(["runs", "--store", folder.path("missing")]);
  expect(missing.code).toBe(1);
  expect(missing.stderr).toContain("--store DIR");
  expect(existsSync(folder.path("missing"))).toBe(false);
});

test("RUNLOG_STORE names the store, and --store beats it", async () => {
  const named = await cli(["runs", "--json"], { env: { RUNLOG_STORE: store } });
  expect(JSON.parse(named.stdout)).toHaveLength(2);
  const beaten = await cli(["runs", "--json", ...from], { env: { RUNLOG_STORE: folder.path("missing") } });
  expect(JSON.parse(beaten.stdout)).toHaveLength(2);
});

test("an exported run is imported elsewhere, byte for byte, and only once", async () => {
  const file = folder.path("run.jsonl");
  expect(await cli(["export", first, "--as", "jsonl", "--out", file, ...from])).toMatchObject({ code: 0 });
  const lines = readFileSync(file, "utf8");
  expect(await cli(["export", first, "--as", "jsonl", "--out", "-", ...from])).toMatchObject({
    stdout: lines,
  });
  const taken = await cli(["export", first, "--as", "jsonl", "--out", file, ...from]);
  expect(taken.code).toBe(1);

  const to = ["--store", folder.path("copy")];
  expect(await cli(["import", file, ...to])).toMatchObject({ code: 0, stdout: `${first}\n` });
  expect(await cli(["import", "-", ...to], { input: lines })).toMatchObject({ code: 0 });
  expect(await cli(["export", first, "--as", "jsonl", "--out", "-", ...to])).toMatchObject({ stdout: lines });

  const damaged = folder.path("damaged.jsonl");
  writeFileSync(damaged, lines.replace('"loss"', '"lass"'));
  const refused = await cli(["import", damaged, "--store", folder.path("other")]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/line \d+: .*crc/);
});

test("rm deletes runs, all or none", async () => {
  const copy = folder.path("to-delete");
  await trackRun({ store: copy, syncTo: [], runId: "doomed" }, (run) => run.track({ a: 1 }));
  const mixed = await cli(["rm", "doomed", "nobody", "--store", copy]);
  expect(mixed.code).toBe(1);
  expect(await cli(["rm", "doomed", "--store", copy])).toMatchObject({ code: 0, stdout: "doomed\n" });
  expect((await cli(["show", "doomed", "--store", copy])).code).toBe(1);
});
