/** Bundles suites of the Node project into one script for another runtime, which prints what came of them. */
import { fileURLToPath } from "node:url";
import { type BuildOptions, build } from "esbuild";

const root = fileURLToPath(new URL("../../", import.meta.url));
const path = (name: string): string => `${root}${name}`;

/** Bundles files of this repository (paths from its root) to `outfile`. The outcome is the script's last line, as JSON. */
export async function bundleForRuntime(files: readonly string[], outfile: string): Promise<void> {
  const stdin = { contents: entry(files), resolveDir: root, sourcefile: "suites.ts", loader: "ts" } as const;
  await bundle({ stdin }, outfile);
}

/** Bundles one script of this repository to `outfile`. */
export async function bundleScript(file: string, outfile: string): Promise<void> {
  await bundle({ entryPoints: [path(file)] }, outfile);
}

async function bundle(source: Pick<BuildOptions, "stdin" | "entryPoints">, outfile: string): Promise<void> {
  await build({
    ...source,
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "es2022",
    logLevel: "silent",
    alias: {
      vitest: path("test/browser/shim.ts"),
      "runlog/mlflow": path("src/destinations/mlflow/index.ts"),
      runlog: path("src/node.ts"),
    },
    // CommonJS among the dependencies asks for node's modules at run time.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
}

function entry(files: readonly string[]): string {
  const suites = files.map(
    (file) => `[${JSON.stringify(file)}, () => import(${JSON.stringify(`./${file}`)})]`,
  );
  return `
import { runSuite, text } from "./test/browser/run-suites.ts";
import { collector } from "./test/browser/shim.ts";

const outcome = { passed: 0, skipped: 0, failed: [] };
for (const [name, load] of [${suites.join(", ")}]) {
  try {
    await runSuite(await collector.open(name, false, load), outcome, () => {});
  } catch (error) {
    outcome.failed.push({ name, message: "did not load: " + text(error) });
  }
}
console.log(JSON.stringify(outcome));
`;
}
