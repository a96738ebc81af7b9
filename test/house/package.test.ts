import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";
import { importsOf } from "./syntax.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, "utf8");
const manifest = JSON.parse(read("package.json")) as {
  exports: Record<string, string | Record<string, string>>;
  dependencies: Record<string, string>;
};

beforeAll(() => {
  execFileSync("node", ["test/house/build.ts", "--if-stale"], { cwd: root, stdio: "pipe" });
}, 120_000);

describe("package.json", () => {
  it("names the conditions in the order that resolvers need", () => {
    const conditions = Object.fromEntries(
      Object.entries(manifest.exports).map(([entry, target]) => [
        entry,
        typeof target === "string" || Object.keys(target),
      ]),
    );
    expect(conditions).toEqual({
      ".": ["types", "browser", "node", "default"],
      "./mlflow": ["types", "default"],
      "./node": ["types", "default"],
      "./tfjs": ["types", "default"],
      "./notebook": ["types", "default"],
      "./wandb": ["types", "default"],
      "./vite": ["types", "default"],
      "./server": ["types", "default"],
      "./bundle.js": ["types", "default"],
      "./package.json": true,
    });
  });

  it("depends on these and no more", () => {
    expect(Object.keys(manifest.dependencies)).toEqual([
      "@bufbuild/protobuf",
      "@hono/node-server",
      "hono",
      "idb",
      "js-yaml",
      "ky",
      "superjson",

      "zod",
    ]);
  });

  it("has majors in the lock that an old Node would not choose, and no address of a registry", () => {
    const lock = read("package-lock.json");
    const { packages } = JSON.parse(lock) as { packages: Record<string, { version: string }> };
    const major = (name: string): string | undefined =>
      packages[`node_modules/${name}`]?.version.split(".")[0];
    expect(["idb", "zod", "ky", "superjson", "vitest", "hono"].map(major)).toEqual([
      "8",
      "4",
      "2",
      "2",
      "5",
      "4",
    ]);
    expect(lock).not.toContain('"resolved"');
  });
});

describe("the package", () => {
  it("holds every file that exports and bin name, and nothing but what users need", () => {
    const [packed] = JSON.parse(
      execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
        cwd: root,
        encoding: "utf8",
      }),
    ) as [{ files: { path: string }[] }];
    const paths = packed.files.map(({ path }) => path);
    const targets = Object.values(manifest.exports).flatMap((target) =>
      typeof target === "string" ? [target] : Object.values(target),
    );
    expect(paths).toEqual(
      expect.arrayContaining([...targets, "./dist/cli.js"].map((target) => target.slice(2))),
    );
    const others = paths.filter((path) => !path.startsWith("dist/")).sort();
    expect(others).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "package.json"]);
  });
});

describe.each([
  ["dist/index.js", ["idb", "ky", "superjson", "zod/mini"]],
  ["dist/mlflow.js", ["ky", "runlog", "superjson", "zod/mini"]],
  ["dist/tfjs.js", ["runlog"]],
  ["dist/notebook.js", ["runlog"]],
  ["dist/wandb.js", ["@bufbuild/protobuf/wire", "superjson", "zod/mini"]],
  ["dist/bundle.js", []],
])("%s", (path, packages) => {
  it("imports these packages at most, no file and nothing of Node", () => {
    expect(existsSync(`${root}${path}`)).toBe(true);
    const specifiers = new Set(importsOf(path, read(path)).map(({ specifier }) => specifier));
    expect([...specifiers].filter((specifier) => !packages.includes(specifier))).toEqual([]);
    expect(builtinModules.filter((name) => specifiers.has(name))).toEqual([]);
  });

  it("needs no top-level await and no eval", async () => {
    const code = read(path);
    await expect(transform(code, { format: "iife", target: "es2022" })).resolves.toBeDefined();
    expect(code).not.toMatch(/\beval\(|new Function\(|WebAssembly/);
  });
});

it("runlog/mlflow holds no second copy of a file that runlog has", () => {
  const bundled = (path: string): string[] =>
    [...read(path).matchAll(/^\/\/ (src\/\S+)$/gm)].map(([, file = ""]) => file);
  const core = bundled("dist/index.js");
  expect(core).not.toEqual([]);
  expect(bundled("dist/mlflow.js").filter((file) => core.includes(file))).toEqual([]);
});
