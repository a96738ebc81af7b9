import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { startRun } from "runlog";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { encodeSegment } from "../../src/model/segment-line.ts";
import { filesystemStore } from "../../src/stores/filesystem/index.ts";
import { writerOf } from "../contract/segments.ts";
import { type Scripted, scriptedServer } from "../http/scripted-server.ts";
import { cli, program, temporaryFolder } from "./cli.ts";
import { inTerminal } from "./terminal.ts";

/** Whatever a run, a file, an argument or a server holds: no command prints what steers a terminal. */

vi.setConfig({ testTimeout: 120_000 });

/** Each with a word that must still be seen. */
const attacks = [
  "\u001b[2Jscreen",
  "\u001b]8;;http://evil.example\u0007link\u001b]8;;\u0007",
  "\u001b]52;c;ZXZpbA==\u0007clipboard",
  "\u001b]0;title\u001b\\",
  "\u001bP+q544e\u001b\\device",
  "\u009b31mred\u009d0;c1\u009c",
  "first\rforged",
  "first\nforged: line",
  "rub\b\b\bout",
  "txt\u202egpj",
  "\u2066iso\u2069\u200flate",
  "no\u0000thing\u007f",
  "line\u2028para\u2029",
  "zero\u200b\ufeffwidth",
  "half\ud800",
  "tag\u{e0041}\u{e007f}",
];
const all = attacks.join(" ");
/** As `all`, for an argument of a program. */
const task = all.replaceAll("\u0000", "").replaceAll("\ud800", "");
const dangerous = /[^\P{C}\n]|[\u2028\u2029]/u;

const folder = temporaryFolder();
const store = folder.path("store");
let server: Scripted;

/** Fails with the first thing that is not printable, and what is around it. */
function expectPrintable(said: string): void {
  const at = said.search(dangerous);
  expect(at < 0 ? "" : JSON.stringify(said.slice(Math.max(0, at - 40), at + 20))).toBe("");
}

async function quiet(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const ended = await cli([...args, "--store", store]);
  expectPrintable(ended.stdout + ended.stderr);
  return ended;
}

beforeAll(async () => {
  server = await scriptedServer((_, response) => {
    response
      .writeHead(400, { "content-type": "application/json" })
      .end(JSON.stringify({ detail: all, code: all }));
  });
  const open = filesystemStore(store);
  const id = await open.id();
  for (const run of ["one", "two"]) {
    const time = 1_700_000_000_000;
    const destinations = [
      { kind: "runlog", url: server.url },
      { kind: "other", url: `http://${all}` },
    ];
    const texts = Object.fromEntries(attacks.map((text) => [text, { json: text }]));
    const labels = Object.fromEntries(attacks.map((text) => [text, text]));
    const model = { type: "object", properties: { [attacks[0] as string]: { "x-goal": "min" } } };
    const first = { type: "run", time, uid: "0".repeat(31) + (run === "one" ? 1 : 2), store: id, tag: all };
    const records = [
      { ...first, labels, parameters: { ...texts, [run]: { json: { [all]: all } } }, destinations, model },
      ...attacks.map((key) => {
        const columns = { keys: [key], key: [0, 0], step: [1, 2], time: [time, 5], value: [3, run.length] };
        return { type: "metrics", task: "main", ...columns };
      }),
      ...attacks.map((json, step) => ({ type: "value", task, key: "said", step, time, json })),
      { type: "lost", reason: all, count: 1 },
      { type: "finish", status: "FAIL", time: time + 9, message: all, signal: all },
    ];
    const name = { run, writer: writerOf(0), seq: 0, clock: time };
    await open.append([
      encodeSegment(
        name,
        records.map((record) => JSON.stringify(record)),
      ),
    ]);
  }
  await open.close();
});
afterAll(async () => {
  await server.stop();
  folder.remove();
});

test("runs, show, compare and series show it escaped, and --json stays that very JSON", async () => {
  expect((await quiet("runs")).stdout).toContain(String.raw`\u001b[2Jscreen`);
  const listed = JSON.parse((await quiet("runs", "--json")).stdout);
  expect(listed[0]).toMatchObject({ tag: all, signal: all, labels: { [attacks[5] as string]: attacks[5] } });
  const shown = await quiet("show", "one");
  for (const word of ["screen", "link", "clipboard", "forged: line", "red", "out", "gpj", "width"])
    expect(shown.stdout).toContain(word);
  expect(JSON.parse((await quiet("show", "one", "--json")).stdout)).toMatchObject({ tag: all });
  await quiet("compare", "one", "two");
  const compared = JSON.parse((await quiet("compare", "one", "two", "--json")).stdout);
  expect(Object.keys(compared.metrics)).toEqual(attacks);
});

test("series as a table, CSV, JSON and followed", async () => {
  const key = ["series", "one", "said", "--task", task];
  expect((await quiet(...key)).stdout.trimEnd().split("\n")).toHaveLength(1 + attacks.length);
  expect(JSON.parse((await quiet(...key, "--json")).stdout).value).toEqual(attacks);
  // Only here a line end is a line end, inside its quotes.
  expect((await quiet(...key, "--csv")).stdout).toContain('"first\nforged: line"');
  expect((await quiet(...key, "--follow")).stdout.trimEnd().split("\n")).toHaveLength(attacks.length);
  const lines = (await quiet(...key, "--follow", "--json")).stdout.trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).value)).toEqual(attacks);
});

test("what is not there is named, escaped", async () => {
  for (const word of attacks.filter((text) => !text.includes("\u0000"))) {
    const asked = [
      ["show", word],
      ["series", "one", `no ${word}`],
      [word],
      ["runs", "--where", `${word}=1`],
      ["runs", "--sort", word],
    ];
    for (const args of word === attacks[0] ? asked : asked.slice(1, 2)) {
      const { code, stderr } = await quiet(...args);
      expect(code, JSON.stringify(args)).not.toBe(0);
      expect(stderr).not.toBe("");
    }
  }
  const odd = folder.path("\u001b[31m\u202estore");
  for (const args of [
    ["runs"],
    ["show", "x"],
    ["doctor"],
    ["import", odd],
    ["export", "one", "--as", "jsonl", "--out", odd],
  ]) {
    const { stdout, stderr } = await cli([...args, "--store", args[0] === "export" ? store : odd]);
    expectPrintable(stdout + stderr);
  }
});

test("the words of a server, in sync and doctor", async () => {
  const synced = await quiet("sync");
  expect(synced.stdout + synced.stderr).toContain("screen");
  await quiet("sync", "--dry-run");
  const named = await cli(["doctor", "--store", store], {
    env: {
      RUNLOG_SERVER: `${server.url}/\u001b[31m`,
      MLFLOW_TRACKING_URI: `ht\u001btp://\u202e`,
      RUNLOG_MODE: attacks[0] as string,
    },
  });
  expectPrintable(named.stdout + named.stderr);
  expect(named.stdout).toContain("\\u001b[2Jscreen");
});

test("exec says its own lines so, and passes its command's bytes as they are", async () => {
  const script = `printf '\\033[32mgreen\\033[0m\\nMAGNUS_TRACK_a_STEP_\\033[1m=1\\n'; exit 3`;
  const { stdout, stderr } = await cli(["exec", "--store", store, "--", script]);
  expect(stdout).toContain("\u001b[32mgreen\u001b[0m\n");
  expectPrintable(stderr);
  expect(stderr).toContain(String.raw`the step '\u001b[1m'`);
  const missing = await cli(["exec", "--store", store, "--", "no\u001b[31m", "such"]);
  expectPrintable(missing.stdout + missing.stderr);
});

test("the block at a terminal and the warnings of a program have no sequence but our own", async () => {
  const { text } = await inTerminal(process.execPath, [
    await program(),
    "exec",
    "--store",
    folder.path("shown\u001b[5m"),
    "--run",
    "shown",
    "--",
    "echo MAGNUS_TRACK_a$(printf '\\342\\200\\256')b=1; echo MAGNUS_TRACK_c_STEP_$(printf '\\033[5m')=1 >/dev/null",
  ]);
  // What the command itself printed, then our block.
  const block = text.slice(text.indexOf("run shown"));
  expectPrintable(block.replaceAll("\u001b[1m", "").replaceAll("\u001b[22m", ""));
  expect(block).toContain(String.raw`a\u202eb`);

  const said: string[] = [];
  const write = process.stderr.write.bind(process.stderr);
  process.stderr.write = (chunk: string | Uint8Array) => said.push(String(chunk)) > 0;
  try {
    const run = startRun({ store: folder.path("warned"), syncTo: [] });
    run.track({ "twice\u202e": 1 });
    run.track({ "twice\u202e": 2 });
    await run.finish();
  } finally {
    process.stderr.write = write;
  }
  expect(said.join("")).toContain(String.raw`twice\u202e`);
  expectPrintable(said.join(""));
});

test("no command writes to the terminal but through the functions of output.ts", () => {
  const sources = new URL("../../src/cli/", import.meta.url).pathname;
  const found = readdirSync(sources).filter(
    (name) =>
      name !== "output.ts" &&
      /console\.|process\.std(out|err)\.write/.test(readFileSync(join(sources, name), "utf8")),
  );
  expect(found).toEqual([]);
});
