import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { openStore } from "runlog";
import { afterAll, expect, test, vi } from "vitest";
import { lastTold } from "../../src/cli/exec-script.ts";
import { begin, cli, type Ended, temporaryFolder } from "./cli.ts";

// Each starts several processes, on a machine that may have other work.
vi.setConfig({ testTimeout: 60_000 });

const folder = temporaryFolder();
const store = folder.path("a store");
afterAll(folder.remove);

const exec = (run: string, ...command: readonly string[]): Promise<Ended> =>
  cli(["exec", "--store", store, "--run", run, "--", ...command]);

async function logOf(run: string) {
  const opened = openStore(store);
  try {
    return await opened.runLog(run);
  } finally {
    await opened.close();
  }
}

async function metricsOf(run: string, task = "main"): Promise<unknown> {
  return (await logOf(run)).steps[task]?.user_defined_metrics;
}

test("the code of a script, what it prints and what it exports", async () => {
  const script =
    "echo MAGNUS_TRACK_loss_STEP_3=0.5; echo words >&2; export MAGNUS_TRACK_Note=hi; exit 3 # end";
  const ended = await exec("script", script);
  expect(ended).toMatchObject({ code: 3, stdout: "MAGNUS_TRACK_loss_STEP_3=0.5\n", stderr: "words\n" });
  const log = await logOf("script");
  expect(log.status).toBe("FAIL");
  expect(log.steps["main"]?.attempts[0]?.message).toBe("ended with exit code 3");
  expect(log.steps["main"]?.user_defined_metrics).toEqual({ loss: { "3": 0.5 }, note: "hi" });
});

test("parameters of a file reach the command; those that it sets or prints are the run's", async () => {
  const file = folder.path("parameters.yaml");
  writeFileSync(file, "lr: 0.1 # as before\nlayers: [8, 4]\nname: a b\n");
  const script = [
    'echo "$MAGNUS_PRM_lr $MAGNUS_PRM_layers $MAGNUS_PRM_name"',
    "echo MAGNUS_PRM_printed=3",
    "export MAGNUS_PRM_set='{\"a\":1}' MAGNUS_PRM_lr=0.5",
  ].join("; ");
  const ended = await cli([
    "exec",
    ...["--store", store, "--run", "parameters", "--parameters-file", file],
    ...["--", script],
  ]);
  expect(ended).toMatchObject({ code: 0, stderr: "", stdout: "0.1 [8,4] a b\nMAGNUS_PRM_printed=3\n" });
  const { parameters, run_config } = await logOf("parameters");
  expect(parameters).toEqual({ lr: 0.1, layers: [8, 4], name: "a b", printed: 3, set: { a: 1 } });
  expect(run_config.runlog["parameter_changes"]).toMatchObject([{ name: "lr", value: 0.5 }]);
});

test.each([
  ["missing", undefined, "ENOENT"],
  ["no map", "- 1\n", "must be a map of names and values"],
  ["broken", "a: [1", "within a flow collection"],
  ["ambiguous", "a: 1\na: 2\n", "duplicated mapping key"],
])("a parameters file that is %s is refused before the command runs", async (name, text, words) => {
  const file = folder.path(`parameters-${name}.yaml`);
  if (text !== undefined) writeFileSync(file, text);
  const ended = await cli(["exec", "--store", store, "--parameters-file", file, "--", "echo", "ran"]);
  expect(ended).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(words) });
  expect(ended.stderr).toContain(`parameters-${name}.yaml`);
});

test("several arguments run as they are", async () => {
  const ended = await exec(
    "as-is",
    process.execPath,
    "-e",
    "console.log(process.argv[1])",
    "a  $HOME 'b'",
    "--x",
  );
  expect(ended).toMatchObject({ code: 0, stdout: "a  $HOME 'b'\n" });
  expect((await logOf("as-is")).status).toBe("SUCCESS");
});

test.each([
  ["missing", ["no-such-command", "x"], 127],
  ["not executable", [folder.path("."), "x"], 126],
  ["syntax", ["if then"], 2],
])("a command that is %s", async (name, command, code) => {
  const run = name.replace(" ", "-");
  const ended = await exec(run, ...command);
  expect(ended.code).toBe(code);
  expect((await logOf(run)).status).toBe("FAIL");
});

// The variable is 1 at the end of each; what is printed tells that the script's own traps ran.
test.each([
  ["falls off its end", "", 0, ""],
  ["exits", "exit 7", 7, ""],
  ["fails under set -e", "set -e; false; export MAGNUS_TRACK_x=2", 1, ""],
  ["has a trap", "trap 'echo bye $?' EXIT; exit 4", 4, "bye 4\n"],
  ["has a trap by number", "trap 'echo bye' 0", 0, "bye\n"],
  ["has a trap that exits", "set -e; trap 'echo bye $?; exit 5' EXIT; false", 5, "bye 1\n"],
  ["has a trap under set -e", "set -e; trap 'echo bye $?; echo more' EXIT; false", 1, "bye 1\nmore\n"],
  ["takes its trap back", "trap 'echo bye' EXIT; trap - EXIT; exit 6", 6, ""],
  ["takes low descriptors", `exec 3>'${folder.path("three")}' 9>'${folder.path("nine")}'`, 0, ""],
  ["has no PATH", "PATH=/nowhere", 0, ""],
  ["has options for node", "export NODE_OPTIONS=--no-such-option", 0, ""],
  ["uses set -u and parameters", 'set -u; set -- a b; echo "$0 $#"', 0, "sh 2\n"],
  ["opens /dev/stdout", "echo out > /dev/stdout", 0, "out\n"],
])("tells its variables when it %s", async (name, script, code, stdout) => {
  const run = name.replace(/[^\w]+/g, "-");
  const ended = await exec(run, `export MAGNUS_TRACK_x=1\n${script}\n# the end`);
  expect(ended).toEqual({ code, stdout, stderr: "" });
  expect(await metricsOf(run)).toEqual({ x: 1 });
  for (const name of ["three", "nine"]) {
    if (existsSync(folder.path(name))) expect(readFileSync(folder.path(name), "utf8")).toBe("");
  }
});

test("a telling that was cut off does not count", () => {
  expect(lastTold('[["A","1"]]\n[["A","2"')).toEqual([["A", "1"]]);
  expect(lastTold('[["A","1"]]\n[["A","2"]]\n')).toEqual([["A", "2"]]);
  expect(lastTold("")).toBeUndefined();
});

test("output passes byte for byte, and is kept with its hash", async () => {
  // 8 MiB of every byte, the last line without an end; 1 MiB on stderr besides.
  const script = `
    for (let n = 0; n < 128; n++) process.stdout.write(Buffer.alloc(65_536, Uint8Array.from({ length: 256 }, (_, i) => i)));
    require("fs").writeSync(2, Buffer.alloc(1 << 20, "e"));
    process.stdout.write("\\nMAGNUS_TRACK_last=1");`;
  const { child, ended } = await begin(
    ["exec", "--store", store, "--run", "bytes", "--", process.execPath, "-e", script],
    {},
  );
  child.stdin.end();
  const hash = createHash("sha256");
  let size = 0;
  child.stdout.setEncoding("latin1").on("data", (text: string) => {
    hash.update(text, "latin1");
    size += text.length;
  });
  expect((await ended).code).toBe(0);
  const wanted = createHash("sha256");
  const block = Buffer.alloc(
    65_536,
    Uint8Array.from({ length: 256 }, (_, i) => i),
  );
  for (let n = 0; n < 128; n++) wanted.update(block);
  wanted.update("\nMAGNUS_TRACK_last=1");
  expect(size).toBe(128 * 65_536 + 20);
  expect(hash.digest("hex")).toBe(wanted.digest("hex"));
  expect(await metricsOf("bytes")).toEqual({ last: 1 });
  const [entry] = (await logOf("bytes")).steps["main"]?.data_catalog ?? [];
  expect(entry).toMatchObject({ name: "main.execution.log", stage: "put" });
  const kept = readFileSync(`${store}/.catalog/${entry?.catalog_relative_path}`);
  expect(kept.length).toBe(size + (1 << 20));
  expect(createHash("sha256").update(kept).digest("hex")).toBe(entry?.data_hash);
});

test.each(["SIGTERM", "SIGINT"] as const)(
  "%s reaches the command, all of it, and is recorded",
  async (signal) => {
    const run = `told-${signal}`;
    const script = `echo MAGNUS_TRACK_a=1; "${process.execPath}" -e 'console.log("up"); process.stdin.resume()'; true`;
    const { child, ended } = await begin(["exec", "--store", store, "--run", run, "--", script], {});
    await new Promise<void>((resolve) => {
      child.stdout.on("data", (text: string) => {
        if (text.includes("up")) resolve();
      });
    });
    child.kill(signal);
    const code = 128 + (signal === "SIGTERM" ? 15 : 2);
    expect((await ended).code).toBe(code);
    const log = await logOf(run);
    expect(log).toMatchObject({
      status: "FAIL",
      run_config: { runlog: { signal, message: `ended by ${signal}` } },
    });
    expect(await metricsOf(run)).toEqual({ a: 1 });
  },
);

test("a signal that the script traps ends as the script says", async () => {
  const script =
    "trap 'echo got; exit 0' TERM; export MAGNUS_TRACK_q=7; echo up; for n in $(seq 600); do sleep 0.05; done";
  const { child, ended } = await begin(["exec", "--store", store, "--run", "trapped", "--", script], {});
  child.stdout.once("data", () => child.kill("SIGTERM"));
  expect(await ended).toMatchObject({ code: 0, stdout: "up\ngot\n" });
  expect(await logOf("trapped")).toMatchObject({ status: "SUCCESS" });
  expect(await metricsOf("trapped")).toEqual({ q: 7 });
});

test("a reader that has seen enough ends the command, not the tracking", async () => {
  const { child, ended } = await begin(["exec", "--store", store, "--run", "head", "--", "yes", "no"], {});
  child.stdout.once("data", () => child.stdout.destroy());
  expect((await ended).code).toBe(141);
  expect(await logOf("head")).toMatchObject({
    status: "FAIL",
    run_config: { runlog: { signal: "SIGPIPE" } },
  });
});

test("tasks of one run, one within another", async () => {
  const train = "export MAGNUS_TRACK_loss=0.5; echo training";
  const evaluate = "export MAGNUS_TRACK_accuracy=0.9; exit 1";
  const args = ["exec", "--store", store, "--run", "tasks", "--tag", "t", "--task"];
  expect((await cli([...args, "train it", "--", train])).code).toBe(0);
  expect((await cli([...args, "evaluate", "--", evaluate])).code).toBe(1);
  const log = await logOf("tasks");
  expect(log).toMatchObject({ status: "FAIL", tag: "t" });
  expect(log.steps["train it"]).toMatchObject({ status: "SUCCESS", user_defined_metrics: { loss: 0.5 } });
  expect(log.steps["train it"]?.data_catalog[0]?.name).toBe("train_it.execution.log");
  expect(log.steps["evaluate"]).toMatchObject({ status: "FAIL", user_defined_metrics: { accuracy: 0.9 } });
});

test("the command gets the run and the store, and what was set before is not tracked twice", async () => {
  const script = 'echo "$RUNLOG_RUN $RUNLOG_STORE $MAGNUS_TRACK_before"; cd /';
  const env = { MAGNUS_TRACK_before: "1" };
  const ended = await cli(["exec", "--store", store, "--run", "child", "--", script], { env });
  const { uid } = (await logOf("child")).run_config.runlog;
  expect(ended.stdout).toBe(`child:${uid} ${store} \n`);
  expect(await metricsOf("child")).toEqual({ before: 1 });
  const joined = { RUNLOG_RUN: `child:${uid}`, RUNLOG_STORE: store };
  expect((await cli(["exec", "--task", "more", "--", "export MAGNUS_TRACK_y=2"], { env: joined })).code).toBe(
    0,
  );
  expect(await metricsOf("child", "more")).toEqual({ y: 2 });
});

test("a second execution of a task keeps the first one's output", async () => {
  await exec("twice", "echo one");
  await exec("twice", "echo two");
  const names = (await logOf("twice")).steps["main"]?.data_catalog.map(({ name }) => name);
  expect(names).toEqual(["main.execution.log", "main-2.execution.log"]);
  expect(readFileSync(`${store}/.catalog/twice/main-2.execution.log`, "utf8")).toBe("two\n");
});

test("rm takes the output along", async () => {
  await exec("doomed", "echo secret");
  expect(existsSync(`${store}/.catalog/doomed/main.execution.log`)).toBe(true);
  expect((await cli(["rm", "doomed", "--store", store])).code).toBe(0);
  expect(existsSync(`${store}/.catalog/doomed`)).toBe(false);
});

test("what cannot be tracked is told and stops nothing", async () => {
  const ended = await exec("bad", "export MAGNUS_TRACK_x_STEP_b=1 MAGNUS_TRACK_y=2; echo MAGNUS_TRACK_=3");
  expect(ended.code).toBe(0);
  expect(ended.stderr).toContain("MAGNUS_TRACK_x_STEP_b has the step 'b'");
  expect(ended.stderr).toContain("names no key");
  expect(await metricsOf("bad")).toEqual({ y: 2 });
});

test("a long output is not held in memory", async () => {
  const script = "dd if=/dev/zero bs=1M count=200 2>/dev/null; grep VmHWM /proc/$PPID/status >&2";
  if (!existsSync("/proc/self/status")) return;
  const { child, ended } = await begin(["exec", "--store", store, "--run", "long", "--", script], {});
  child.stdin.end();
  child.stdout.removeAllListeners("data").resume();
  const { code, stderr } = await ended;
  expect(code).toBe(0);
  expect(Number(/VmHWM:\s+(\d+) kB/.exec(stderr)?.[1])).toBeLessThan(250_000);
});

test("RUNLOG_MODE=off runs the command and keeps nothing", async () => {
  const at = folder.path("off");
  const ended = await cli(["exec", "--store", at, "--", "echo hi; exit 2"], { env: { RUNLOG_MODE: "off" } });
  expect(ended).toMatchObject({ code: 2, stdout: "hi\n" });
  expect(existsSync(at)).toBe(false);
});

test("stdin is the command's, and no name of a pipe is left", async () => {
  const temporary = folder.path("tmp");
  mkdirSync(temporary);
  const args = ["exec", "--store", store, "--", `cat; ls ${temporary}`];
  const ended = await cli(args, { input: "typed", env: { TMPDIR: temporary } });
  expect(ended.stdout).toBe("typed");
  expect(readdirSync(temporary)).toEqual([]);
});
