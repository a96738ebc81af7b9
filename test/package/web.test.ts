import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build, type Message, transform } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, "utf8");

beforeAll(async () => {
  await run("node", ["test/house/build.ts", "--if-stale"], { cwd: root });
}, 120_000);

/** The names that a module exports, by what esbuild reads in it. */
async function exportsOf(path: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [`${root}${path}`],
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    write: false,
    outdir: root,
    metafile: true,
  });
  return Object.values(metafile.outputs)
    .flatMap((output) => output.exports)
    .sort();
}

/** Which of these globals code uses free, guarded by typeof or not. */
async function freeGlobals(code: string, names: readonly string[]): Promise<string[]> {
  const define = Object.fromEntries(names.map((name) => [name, `found_${name}`]));
  const { code: changed } = await transform(code, { define, format: "esm", target: "es2022" });
  return names.filter((name) => changed.includes(`found_${name}`));
}

/** Syntax problems of code that is held to the oldest engines the package names. */
async function problemsIn(code: string, target: string[]): Promise<Message[]> {
  return (await transform(code, { format: "esm", target })).warnings;
}

describe("the package's entries", () => {
  it('both entries of "." export the same names, bundle.js those and MLflow', async () => {
    const web = await exportsOf("dist/index.js");
    expect(web).toContain("trackRun");
    expect(await exportsOf("dist/node.js")).toEqual(web);
    expect(await exportsOf("dist/bundle.js")).toEqual([...web, "mlflow"].sort());
    expect(await exportsOf("dist/mlflow.js")).toEqual(["mlflow"]);
  });

  it.each(["dist/index.js", "dist/mlflow.js", "dist/bundle.js"])(
    "%s uses no global of Node",
    async (path) => {
      const names = [
        "process",
        "Buffer",
        "global",
        "require",
        "module",
        "exports",
        "__dirname",
        "__filename",
      ];
      expect(await freeGlobals("if (typeof process) global.a(Buffer)", names)).toHaveLength(3);
      expect(await freeGlobals(read(path), names)).toEqual([]);
      expect(read(path)).not.toMatch(/["'`]node:/);
    },
  );

  it.each(["dist/index.js", "dist/mlflow.js", "dist/bundle.js"])(
    "%s needs no newer syntax than it says",
    async (path) => {
      expect(await problemsIn(read(path), ["es2022"])).toEqual([]);
    },
  );
});

describe("importing", () => {
  // A context of the language alone: no timers, no crypto, no fetch; ky makes a TextEncoder when it is imported.
  const script = `
    const { createContext, SourceTextModule } = require("node:vm");
    const code = require("node:fs").readFileSync(process.argv[1], "utf8");
    const module = new SourceTextModule(code, { context: createContext({ TextEncoder }) });
    module.link((name) => { throw new Error("it imports " + name); })
      .then(() => module.evaluate())
      .then(() => console.log(Object.keys(module.namespace).length > 10 ? "imported" : "empty"));`;

  it("does not throw where there is the bare language and no platform", async () => {
    const flags = ["--experimental-vm-modules", "--no-warnings"];
    const { stdout } = await run("node", [...flags, "-e", script, `${root}dist/bundle.js`]);
    expect(stdout).toBe("imported\n");
  });

  it("the web entry does not throw in Node", async () => {
    const source = `import(${JSON.stringify(`${root}dist/index.js`)}).then((names) => console.log(typeof names.trackRun))`;
    expect((await run("node", ["-e", source])).stdout).toBe("function\n");
  });
});
