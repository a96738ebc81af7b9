import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { python } from "../env/find.ts";

/** W&B's own programs: 0.31's command line, and the last reader of its files in Python. Both answer in one shape. */

const run = promisify(execFile);
const script = fileURLToPath(new URL("./wandb-reader.py", import.meta.url));

/** What a reader found. Numbers that JSON lacks are themselves, as far as the reader tells them from text. */
export interface Read {
  /** The kinds of all records in their order, repeats in a row once. */
  readonly kinds: readonly string[];
  readonly run: Readonly<Record<string, unknown>>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly history: readonly Readonly<Record<string, unknown>>[];
  readonly summary: Readonly<Record<string, unknown>>;
  /** Name of the metric -> its step metric. */
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly exit: unknown;
}

interface Line {
  readonly num: number;
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: another program's JSON, which the tests judge.
  readonly [kind: string]: any;
}

/** `wandb leet inspect --json DIR` of 0.31. It says NaN and ±Infinity as text, and -0 as 0. */
export async function inspect(folder: string): Promise<Read> {
  const lines = await wandb(["leet", "inspect", "--json", folder]);
  return gathered(linesOf(lines), (fields) => fields ?? {});
}

/** `wandb leet inspect --summary --json DIR` of 0.31. */
export async function inspectSummary(folder: string): Promise<Readonly<Record<string, unknown>>> {
  return JSON.parse(await wandb(["leet", "inspect", "--summary", "--json", folder]));
}

/** What `wandb sync --dry-run DIR` of 0.31 says. */
export async function wouldSync(folder: string): Promise<string> {
  return await wandb(["sync", "--dry-run", folder]);
}

/** Every record of the log in `folder`, read by W&B 0.19.11 in Python. */
export async function readByPython(folder: string): Promise<Read> {
  const file = readdirSync(folder).find((name) => name.endsWith(".wandb")) ?? "no .wandb file";
  const lines = linesOf(await started("wandb-old", [script, "records", join(folder, file)], dirname(folder)));
  type Update = { readonly key?: string; readonly nested_key?: string[]; readonly value_json: string };
  return gathered(lines, (items: readonly Update[] | undefined) =>
    Object.fromEntries(
      (items ?? []).map(({ key, nested_key, value_json }) => [
        key ?? nested_key?.join("\u0000"),
        parsed(value_json),
      ]),
    ),
  );
}

/** [CRC-32, length] of every record of each log, read by W&B 0.19.11 in Python. */
export async function sizesByPython(files: readonly string[]): Promise<unknown[]> {
  const home = dirname(files[0] ?? "");
  return linesOf(await started("wandb-old", [script, "sizes", ...files], home));
}

function gathered(lines: readonly Line[], fieldsOf: (items: never) => Record<string, unknown>): Read {
  lines.forEach(({ num }, index) => {
    if (num !== index + 1) throw new Error(`record ${index + 1} has the number ${num}`);
  });
  const of = (type: string): Line[] => lines.filter((line) => line.type === type).map((line) => line[type]);
  const { config, ...run } = of("run")[0] ?? ({} as Line);
  const updates = [config, ...of("config")].map((each) => fieldsOf(each?.update as never));
  return {
    kinds: lines.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1]),
    run,
    config: Object.assign({}, ...updates),
    history: of("history").map(({ item }) => fieldsOf(item as never)),
    summary: Object.assign({}, ...of("summary").map(({ update }) => fieldsOf(update as never))),
    metrics: Object.fromEntries(of("metric").map(({ name, step_metric }) => [name, step_metric])),
    exit: of("exit")[0]?.exit_code ?? (of("exit").length > 0 ? 0 : undefined),
  };
}

/** Python's JSON, where numbers that JSON lacks are bare words. */
function parsed(json: string): unknown {
  return json === "NaN" || json.endsWith("Infinity") ? Number(json) : JSON.parse(json);
}

function linesOf(text: string): Line[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

async function wandb(args: readonly string[]): Promise<string> {
  return await started("wandb", ["-m", "wandb", ...args], dirname(args.at(-1) ?? ""));
}

/** @param home where W&B may keep what it likes to keep */
async function started(
  environment: "wandb" | "wandb-old",
  args: readonly string[],
  home: string,
): Promise<string> {
  const interpreter = python(environment);
  if (interpreter === undefined) throw new Error(`${environment} is not on this machine`);
  const { stdout, stderr } = await run(interpreter, ["-I", ...args], {
    env: { PATH: process.env.PATH, HOME: home, WANDB_MODE: "offline", NO_COLOR: "1" },
    cwd: home,
    maxBuffer: 1 << 28,
    timeout: 120_000,
    killSignal: "SIGKILL",
  });
  return stdout === "" ? stderr : stdout;
}
