import { expect, test, vi } from "vitest";
import { type Command, UsageError } from "../../src/cli/command.ts";
import { parseTo } from "../../src/cli/destinations.ts";
import { exportCommand } from "../../src/cli/export.ts";
import { byteLines } from "../../src/cli/lines.ts";
import { duration, table } from "../../src/cli/output.ts";
import { parse } from "../../src/cli/parse.ts";
import { runs } from "../../src/cli/runs.ts";
import { series } from "../../src/cli/series.ts";
import { show } from "../../src/cli/show.ts";
import { sync } from "../../src/cli/sync.ts";
import { parseWhere } from "../../src/cli/where.ts";
import { printable } from "../../src/client/printable.ts";
import { cli } from "./cli.ts";

// Each starts several processes, on a machine that may have other work.
vi.setConfig({ testTimeout: 60_000 });

test.each([
  [[], "usage: runlog COMMAND"],
  [["toString"], "there is no command 'toString'"],
  [["runs", "--colour"], "--colour"],
  [["serve", "--port", "seven"], "--port must be"],
])("%j is wrong usage", async (args, word) => {
  const { code, stdout, stderr } = await cli(args);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toContain(word);
  expect(stderr).toContain("usage: runlog");
});

/** As `main` does, in this process. */
const run = async (command: Command, args: readonly string[]): Promise<unknown> => {
  const input = parse(command, args);
  return input === "help" ? input : await command.run(input);
};

test.each<[Command, readonly string[], string]>([
  [runs, ["extra"], "unexpected argument 'extra'"],
  [runs, ["--status", "done"], "--status must be one of"],
  [runs, ["--where", "lr"], "--where wants PATH"],
  [runs, ["--store", "http://127.0.0.1:4000"], "must name a folder"],
  [runs, ["--store", ""], "must name a folder"],
  [show, [], "an argument is missing"],
  [series, ["a", "b", "--json", "--csv"], "not both"],
  [exportCommand, ["a", "--as", "parquet", "--out", "-"], "--as must be jsonl or wandb"],
  [exportCommand, ["a", "--as", "jsonl"], "--out must name a file"],
  [sync, ["--to", "ftp://example.org"], "--to must be http"],
  [sync, ["--token-file", "x"], "needs exactly one --to"],
])("$usage with %j is wrong usage", async (command, args, word) => {
  await expect(run(command, args)).rejects.toThrow(word);
  await expect(run(command, args)).rejects.toBeInstanceOf(UsageError);
});

test("help is a result", async () => {
  expect(await cli(["--help"])).toMatchObject({ code: 0, stderr: "" });
  const { code, stdout } = await cli(["sync", "--help"]);
  expect(code).toBe(0);
  expect(stdout).toContain("usage: runlog sync");
});

test("text for the terminal holds nothing that steers it", () => {
  expect(printable("a\u001b[2Jb\nc\u009bd\u202ee\u2028f\ud800g\u{e0041}h")).toBe(
    String.raw`a\u001b[2Jb\u000ac\u009bd\u202ee\u2028f\ud800g\udb40\udc41h`,
  );
  expect(printable("naïve 👩‍🔬 日本 ∞")).toBe("naïve 👩‍🔬 日本 ∞");
  expect(table(["a", "b"], [["1", "x\ny"]])).toHaveLength(2);
  expect(table(["a"], [])).toEqual([]);
});

test("durations", () => {
  expect([500, 61_000, 3_723_000].map(duration)).toEqual(["0.5s", "1m 01s", "1h 02m 03s"]);
});

test("conditions", () => {
  expect(parseWhere(["parameters.lr >= 0.01", "parameters.lr<1", "tag=digits", 'labels.a="1"'])).toEqual({
    "parameters.lr": { gte: 0.01, lt: 1 },
    tag: "digits",
    "labels.a": "1",
  });
});

test("destinations by address", () => {
  expect(parseTo("mlflow+http://127.0.0.1:5000")).toEqual({ kind: "mlflow", url: "http://127.0.0.1:5000" });
  expect(parseTo("https://runs.example")).toEqual({ kind: "runlog", url: "https://runs.example" });
});

test("lines are split at \\n alone, wherever the chunks end", async () => {
  const text = '{"a":"x\u2028y"}\n\n{"b":"ü"}';
  const bytes = new TextEncoder().encode(text);
  for (let size = 1; size <= bytes.length; size++) {
    const chunks = async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    };
    const lines: [number, string][] = [];
    for await (const { number, bytes } of byteLines(chunks()))
      lines.push([number, new TextDecoder().decode(bytes)]);
    expect(lines).toEqual([
      [1, '{"a":"x\u2028y"}'],
      [3, '{"b":"ü"}'],
    ]);
  }
});
