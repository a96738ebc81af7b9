import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cli, temporaryFolder } from "../cli/cli.ts";
import { needs, python } from "../env/find.ts";
import { askMagnus, type Tagged } from "./ask-magnus.ts";
import { type ExecCase, scriptCases, valueCases } from "./exec-cases.ts";
import { crashes, differences, type ShellAnswer } from "./exec-differences.ts";
import { valueAsRunlog } from "./magnus-differences.ts";

/** Every case runs in a shell task of real magnus and in `runlog exec`. */

const here = needs("magnus");
const folder = temporaryFolder();
afterAll(folder.remove);

const magnusScript = fileURLToPath(new URL("./magnus-shell.py", import.meta.url));
const locale = { LANG: "C.UTF-8", LC_ALL: "C.UTF-8" };

/** The values in one script, then each script of its own. */
const scripts = [
  valueCases.map(({ script }) => script).join("\n"),
  ...scriptCases.map(({ script }) => script),
];

function askShell(): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(python("magnus") as string, ["-I", "-X", "utf8", magnusScript], {
      cwd: folder.path("."),
      env: { PATH: process.env.PATH, ...locale },
      stdio: ["pipe", "pipe", "inherit"],
      timeout: 100_000,
      killSignal: "SIGKILL",
    });
    const parts: Buffer[] = [];
    child.stdout.on("data", (part: Buffer) => parts.push(part));
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(Buffer.concat(parts).toString());
      else reject(new Error(`magnus-shell.py ended with ${code}`));
    });
    child.stdin.end(JSON.stringify({ shell: scripts }));
  });
}

/** What `runlog exec` makes of a script: the JSON text of main's metrics in the run log. */
async function execute(script: string, index: number): Promise<string> {
  const run = `case-${index}`;
  await cli(["exec", "--store", folder.path("store"), "--run", run, "--", script], { env: locale });
  const text = readFileSync(folder.path(`store/${run}.json`), "utf8");
  const from = text.indexOf('\n            "user_defined_metrics": ');
  return text.slice(text.indexOf("{", from), text.indexOf(',\n            "branches": ', from));
}

/** Two at a time: each is a process or three. */
async function executeAll(): Promise<string[]> {
  const found: string[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < scripts.length; index = next++)
      found[index] = await execute(scripts[index] as string, index);
  };
  await Promise.all([worker(), worker()]);
  return found;
}

/** The value of a key. */
function valueAt(tagged: Tagged, key: string): Tagged | undefined {
  const { pairs } = tagged as { readonly pairs: readonly (readonly [string, Tagged])[] };
  return pairs.find(([name]) => name === key)?.[1];
}

/** magnus's metrics as runlog writes values: NaN and the infinities are strings. */
function asRunlog(tagged: Tagged): Tagged {
  const { pairs } = tagged as { readonly pairs: readonly (readonly [string, Tagged])[] };
  return { pairs: pairs.map(([key, value]) => [key, valueAsRunlog(value)]) };
}

describe.skipIf(!here)("runlog exec beside the shell task of real magnus 0.5.1", () => {
  let answers: ShellAnswer[] = [];
  let ours: Tagged[] = [];
  /** Case -> what a named difference says that runlog keeps. */
  const named = new Map<string, Tagged>();
  const all = [...crashes, ...differences];

  beforeAll(async () => {
    const [asked, texts] = await Promise.all([askShell(), executeAll()]);
    answers = JSON.parse(asked) as ShellAnswer[];
    ours = await askMagnus<Tagged[]>(JSON.stringify({ read: texts }));
    const entries = all.flatMap(({ cases }) => Object.entries(cases));
    const read = await askMagnus<Tagged[]>(JSON.stringify({ read: entries.map(([, text]) => text) }));
    entries.forEach(([name], index) => {
      named.set(name, read[index] as Tagged);
    });
  }, 200_000);

  test.each(valueCases)("$name", ({ name, key }) => {
    const [answer, found] = [answers[0] as ShellAnswer, ours[0] as Tagged];
    if (!("metrics" in answer)) throw new Error(`magnus refused the values: ${JSON.stringify(answer)}`);
    const wanted = valueAsRunlog(valueAt(answer.metrics, key) as Tagged);
    const kept = valueAt(found, key);
    expect(kept).toEqual(named.get(name) ?? wanted);
    if (named.has(name)) expect(kept, "is the difference one?").not.toEqual(wanted);
  });

  test.each(scriptCases.map((each, index): [string, ExecCase, number] => [each.name, each, index + 1]))(
    "%s",
    (name, _, index) => {
      const [answer, found] = [answers[index] as ShellAnswer, ours[index] as Tagged];
      const crash = crashes.find(({ cases }) => Object.hasOwn(cases, name));
      if ("crash" in answer) expect(crash?.error, `${answer.crash} has a name`).toBeDefined();
      if (crash !== undefined) expect("crash" in answer && answer.crash).toMatch(crash.error);
      // A step that failed shows no metrics in magnus.
      const wanted = "metrics" in answer ? asRunlog(answer.metrics) : { pairs: [] };
      expect(found).toEqual(named.get(name) ?? wanted);
      if (named.has(name) && "metrics" in answer) expect(found, "is the difference one?").not.toEqual(wanted);
    },
  );

  test("every named difference is met by a case", () => {
    const known = new Set([...valueCases, ...scriptCases].map(({ name }) => name));
    expect([...named.keys()].filter((name) => !known.has(name))).toEqual([]);
  });
});
