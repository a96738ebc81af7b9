/**
 * Prints how many bytes a page downloads: the web entry with its dependencies, minified, gzip -9.
 * Fails past the budgets of `size` in package.json.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What a page imports, by the name of its budget. */
const PAGES: Record<string, readonly string[]> = {
  web: ["./src/index.ts"],
  "web+mlflow": ["./src/index.ts", "./src/destinations/mlflow/index.ts"],
};

async function gzipBytes(entries: readonly string[]): Promise<number> {
  const contents = entries.map((entry) => `export * from ${JSON.stringify(entry)};`).join("\n");
  const result = await build({
    stdin: { contents, resolveDir: root },
    absWorkingDir: root,
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    legalComments: "none",
    alias: { runlog: `${root}src/index.ts` },
  });
  return gzipSync(result.outputFiles[0]?.contents ?? "", { level: 9 }).length;
}

const { size: budgets } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as {
  size: Record<string, number>;
};
for (const [name, entries] of Object.entries(PAGES)) {
  const budget = budgets[name];
  if (budget === undefined) throw new Error(`package.json has no size budget "${name}"`);
  if (!entries.every((entry) => existsSync(`${root}${entry}`))) {
    console.log(`${name}: not built yet`);
    continue;
  }
  const bytes = await gzipBytes(entries);
  const over = bytes > budget;
  console.log(`${name}: ${bytes} bytes gzip, budget ${budget}${over ? ": TOO LARGE" : ""}`);
  if (over) process.exitCode = 1;
}
