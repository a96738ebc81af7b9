/**
 * Makes `dist`: declarations with tsc, then one script for each entry with esbuild. Entries that do not exist are left out.
 *
 *     node test/house/build.ts [--if-stale]     with it, nothing is done while dist is newer than src
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build } from "esbuild";

const root = fileURLToPath(new URL("../../", import.meta.url));
const dist = join(root, "dist");

/** Output name -> source. */
type Entries = Record<string, string>;

// One self-contained file each: notebooks and CDN builds break on shared chunks. Dependencies stay bare imports.
const WEB = {
  index: "src/index.ts",
  mlflow: "src/destinations/mlflow/index.ts",
  tfjs: "src/integrations/tfjs.ts",
  notebook: "src/integrations/notebook/index.ts",
  wandb: "src/formats/wandb/index.ts",
};
// Everything in one file, for a plain <script type="module">.
const BUNDLE: Entries = { bundle: "src/bundle.ts" };
const NODE = {
  node: "src/node.ts",
  server: "src/server/index.ts",
  cli: "src/cli/main.ts",
  vite: "src/vite.ts",
};

const COMMON: BuildOptions = {
  absWorkingDir: root,
  outdir: dist,
  bundle: true,
  format: "esm",
  target: "es2022",
  legalComments: "none",
  logLevel: "warning",
  // Not tsconfig.json: its paths lead "runlog" to the source, and a sub-entry would hold a second copy of the core.
  tsconfigRaw: {},
};

function present(entries: Entries): Entries {
  return Object.fromEntries(Object.entries(entries).filter(([, source]) => existsSync(join(root, source))));
}

async function emit(entries: Entries, options: BuildOptions): Promise<void> {
  const entryPoints = present(entries);
  if (Object.keys(entryPoints).length > 0) await build({ ...COMMON, ...options, entryPoints });
}

/** Newest change under a folder or of a file, in ms; 0 where there is none. */
function newest(path: string): number {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function stale(): boolean {
  const built = join(dist, "types");
  if (!existsSync(built)) return true;
  const sources = ["src", "package.json", "tsconfig.json", "test/house/build.ts"];
  return Math.max(...sources.map((source) => newest(join(root, source)))) > statSync(built).mtimeMs;
}

async function main(): Promise<void> {
  if (process.argv.includes("--if-stale") && !stale()) return;
  rmSync(dist, { recursive: true, force: true });
  await emit(WEB, { platform: "browser", packages: "external" });
  await emit(BUNDLE, { platform: "browser", minify: true, alias: { runlog: join(root, WEB.index) } });
  // Two Node entries of one process share their chunks, so that brands, classes and the current run exist once.
  await emit(NODE, {
    platform: "node",
    packages: "external",
    splitting: true,
    chunkNames: "chunks/[hash]",
    alias: { runlog: join(root, NODE.node) },
  });
  if (!existsSync(join(root, "src"))) return;
  const sources = Object.keys(present({ ...WEB, ...BUNDLE, ...NODE })).length;
  if (sources === 0) return;
  execFileSync("tsc", ["-p", "test/house/tsconfig.build.json"], { cwd: root, stdio: ["ignore", 2, 2] });
}

main().catch((error: unknown) => {
  console.error(`the build failed: ${error instanceof Error ? error.message.split("\n")[0] : error}`);
  process.exitCode = 1;
});
