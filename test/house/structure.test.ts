import { globSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { layerProblems } from "./layers.ts";
import { importsOf, silentCatches } from "./syntax.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const files = globSync("{src,test,playground}/**/*.{ts,mjs}", { cwd: root });
const read = (path: string): string => readFileSync(`${root}${path}`, "utf8");

describe("imports", () => {
  it("go one way through src", () => {
    const sources = files.filter((file) => file.startsWith("src/"));
    expect(sources.flatMap((file) => layerProblems(file, read(file)))).toEqual([]);
  });

  it.each([
    ["src/model/a.ts", 'import { b } from "../stores/b.ts";', "may import errors"],
    ["src/model/a.ts", 'import ky from "ky";', "may use zod/mini, superjson"],
    ["src/read/a.ts", 'export type { B } from "../sync/b.ts";', "may import errors, model"],
    ["src/stores/a.ts", 'import {\n  b,\n} from "../run.ts";', "may import errors, model, read"],
    ["src/destinations/mlflow/a.ts", 'import { type B, c } from "../../model/b.ts";', "only types"],
    ["src/sync/a.ts", 'const b = await import("./b.ts");', "dynamically"],
    ["src/extras/a.ts", "", "has no rule"],
  ])("%s with %s is refused", (path, source, problem) => {
    expect(layerProblems(path, source)).toEqual([expect.stringContaining(problem)]);
  });

  it.each([
    ["src/model/a.ts", 'import * as z from "zod/mini";\nimport { B } from "../errors.ts";'],
    [
      "src/destinations/mlflow/a.ts",
      'import type { B } from "../../model/b.ts";\nimport { c } from "runlog";',
    ],
    ["src/destinations/mlflow/a.ts", 'import { type B, type C } from "../../model/b.ts";'],
    ["src/stores/a.ts", '// import { b } from "../run.ts";\n/* import "../run.ts" */'],
    ["src/cli/main.ts", 'import { run } from "../run.ts";'],
  ])("%s with %s is fine", (path, source) => {
    expect(layerProblems(path, source)).toEqual([]);
  });

  it("are read with their kind", () => {
    const source = 'import "a";\nimport type { B } from "b";\nexport * from "c";\nconst d = import("d");';
    expect(importsOf("a.ts", source)).toEqual([
      { specifier: "a", typeOnly: false, dynamic: false },
      { specifier: "b", typeOnly: true, dynamic: false },
      { specifier: "c", typeOnly: false, dynamic: false },
      { specifier: "d", typeOnly: false, dynamic: true },
    ]);
  });
});

it("no catch is empty; a comment alone does not count", () => {
  const samples =
    "try {\n  f();\n} catch {\n  // fine\n}\nf().catch(() => {});\ntry { f(); } catch (error) { g(error); }";
  expect(silentCatches("a.ts", samples)).toEqual([3, 6]);
  expect(files.flatMap((file) => silentCatches(file, read(file)).map((line) => `${file}:${line}`))).toEqual(
    [],
  );
});

it("the top level holds what it may", () => {
  const allowed = [
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "package-lock.json",
    "package.json",
    "tsconfig.json",
  ];
  const folders = ["dist", "node_modules", "playground", "src", "test"];
  const found = readdirSync(root).filter((name) => !name.startsWith(".") && !name.endsWith(".tgz"));
  expect(found.filter((name) => !allowed.includes(name) && !folders.includes(name))).toEqual([]);
});
