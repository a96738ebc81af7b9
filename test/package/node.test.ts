import { execFile } from "node:child_process";
import { cpSync, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installed, nodeOf } from "./installed.ts";

const run = promisify(execFile);
const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
let project: string;

beforeAll(async () => {
  project = await installed();
  for (const name of ["track.mjs", "consumer.ts", "node-consumer.ts"])
    cpSync(fixture(name), join(project, name));
}, 300_000);

afterAll(() => {
  if (project !== undefined) rmSync(project, { recursive: true, force: true });
});

describe.each([22, 24] as const)("the installed package in Node %i", (major) => {
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    const { RUNLOG_STORE: _, RUNLOG_SERVER: __, MLFLOW_TRACKING_URI: ___, ...rest } = process.env;
    env = { ...rest, PATH: `${await nodeOf(major)}${delimiter}${process.env.PATH}` };
  }, 300_000);

  const node = (...args: string[]): ReturnType<typeof run> => run("node", args, { cwd: project, env });

  it("tracks, finishes and reads back in a few lines, and the command line lists the run", async () => {
    const { stdout, stderr } = await node("track.mjs");
    const seen = JSON.parse(String(stdout));
    expect(seen).toMatchObject({ status: "SUCCESS", storage: "disk", value: [1, 1 / 2, 1 / 3] });
    expect(seen.node).toMatch(new RegExp(`^v${major}\\.`));
    expect(stderr).toBe("");
    const listed = await run("npx", ["--no-install", "runlog", "runs", "--json"], { cwd: project, env });
    expect(JSON.parse(listed.stdout)).toContainEqual(
      expect.objectContaining({ run: seen.id, status: "SUCCESS" }),
    );
  });

  it("is imported without a trace", async () => {
    writeFileSync(
      join(project, "import.mjs"),
      `const state = () => ({
         globals: Object.getOwnPropertyNames(globalThis),
         listeners: process.eventNames().map((name) => [name, process.listenerCount(name)]),
         env: { ...process.env },
       });
       const before = state();
       for (const entry of ["", "/node", "/mlflow", "/server", "/bundle.js"]) await import("runlog" + entry);
       console.log(JSON.stringify([before, state()]));`,
    );
    const files = readdirSync(project).sort();
    const { stdout, stderr } = await node("import.mjs");
    const [before, after] = JSON.parse(String(stdout));
    const ours = after.globals.filter((name: string) => !name.startsWith("__zod_")); // zod's own, for its copies
    expect({ ...after, globals: ours, stderr }).toEqual({ ...before, stderr: "" });
    expect(readdirSync(project).sort()).toEqual(files);
  });

  it("can be required", async () => {
    const { stdout } = await node(
      "-p",
      'typeof require("runlog").startRun + typeof require("runlog/mlflow").mlflow',
    );
    expect(stdout).toBe("functionfunction\n");
  });
});

describe("types, for a consumer that checks libraries too", () => {
  const check = async (options: object, files: readonly string[]): Promise<unknown> => {
    const compilerOptions = { strict: true, noEmit: true, skipLibCheck: false, target: "es2022", ...options };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
    return await run("tsc", ["-p", project], { cwd: fileURLToPath(new URL("../../", import.meta.url)) }).then(
      () => "no errors",
      ({ stdout }: { stdout: string }) => stdout,
    );
  };
  const page = {
    lib: ["es2024", "esnext.disposable", "dom", "dom.iterable", "dom.asynciterable"],
    types: [],
  };
  const modern = { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };

  it.each([
    ["bundler", { module: "esnext", moduleResolution: "bundler", ...page }],
    ["bundler, as strict as can be", { module: "esnext", moduleResolution: "bundler", ...page, ...modern }],
    ["nodenext", { module: "nodenext", moduleResolution: "nodenext", ...page }],
  ])("%s: a page's code compiles, and wrong keys and values do not", async (_, options) => {
    expect(await check(options, ["consumer.ts"])).toBe("no errors");
  });

  it("nodenext: the server's types need @types/node and nothing else", async () => {
    const types = join(fileURLToPath(new URL("../../", import.meta.url)), "node_modules/@types");
    const options = { module: "nodenext", lib: page.lib, typeRoots: [types], types: ["node"] };
    expect(await check(options, ["consumer.ts", "node-consumer.ts"])).toBe("no errors");
    expect(existsSync(join(project, "consumer.js"))).toBe(false);
  });
});
