/**
 * Prints how many bytes a page downloads: the web entry with its dependencies, minified, gzip -9.
 * Fails past the budgets of `size` in package.json.
 *
 *     node test/house/size.ts [--parts]     with it, also what each part and package has in it, minified
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What a page imports, by the name of its budget. */
const PAGES: Record<string, readonly string[]> = {
  web: ["./src/index.ts"],
  "web+mlflow": ["./src/index.ts", "./src/destinations/mlflow/index.ts"],
};

/** A page's download. */
export interface PageSize {
  readonly name: string;
  /** After gzip -9. */
  readonly bytes: number;
  readonly budget: number;
  /** Part of src or package -> its bytes in the minified script, before gzip. */
  readonly parts: Readonly<Record<string, number>>;
}

/** Builds and measures every page that has a budget. */
export async function pageSizes(): Promise<PageSize[]> {
  const { size: budgets } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as {
    size: Record<string, number>;
  };
  return await Promise.all(
    Object.entries(PAGES).map(async ([name, entries]) => {
      const budget = budgets[name];
      if (budget === undefined) throw new Error(`package.json has no size budget "${name}"`);
      return { name, budget, ...(await measure(entries)) };
    }),
  );
}

async function measure(entries: readonly string[]): Promise<Pick<PageSize, "bytes" | "parts">> {
  const contents = entries.map((entry) => `export * from ${JSON.stringify(entry)};`).join("\n");
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: root },
    absWorkingDir: root,
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    legalComments: "none",
    alias: { runlog: `${root}src/index.ts` },
  });
  return {
    bytes: gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length,
    parts: partsOf(metafile),
  };
}

/** `node_modules/ky/…` -> `ky`; `src/stores/memory.ts` -> `src/stores`. */
function partsOf({ outputs }: Metafile): Record<string, number> {
  const parts: Record<string, number> = {};
  for (const { inputs } of Object.values(outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const part =
        /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? path.split("/").slice(0, 2).join("/");
      parts[part] = (parts[part] ?? 0) + bytesInOutput;
    }
  }
  return parts;
}

async function main(): Promise<void> {
  for (const { name, bytes, budget, parts } of await pageSizes()) {
    const over = bytes > budget;
    console.log(`${name}: ${bytes} bytes gzip, budget ${budget}${over ? ": TOO LARGE" : ""}`);
    if (over) process.exitCode = 1;
    if (!process.argv.includes("--parts")) continue;
    for (const [part, size] of Object.entries(parts).sort(([, one], [, other]) => other - one))
      console.log(`  ${String(size).padStart(7)} ${part}`);
  }
}

if (import.meta.main) await main();
