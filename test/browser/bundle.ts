/** Bundles browser suites into one script, which runs them where it is loaded and posts what came of them. */
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../", import.meta.url));
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The script for these files (absolute paths): one ES module. */
export async function bundleSuites(files: readonly string[]): Promise<string> {
  const result = await build({
    stdin: { contents: entry(files), resolveDir: root, sourcefile: "suites.ts", loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    sourcemap: "inline",
    sourcesContent: false,
    logLevel: "silent",
    define: { "process.env.NODE_ENV": '"test"' },
    alias: {
      vitest: here("./shim.ts"),
      "runlog/tfjs": here("../../src/integrations/tfjs.ts"),
      "runlog/notebook": here("../../src/integrations/notebook/index.ts"),
      "runlog/mlflow": here("../../src/destinations/mlflow/index.ts"),
      runlog: here("../../src/index.ts"),
    },
  });
  const [output] = result.outputFiles;
  if (output === undefined) throw new Error("esbuild made no output for the browser suites");
  return output.text;
}

function entry(files: readonly string[]): string {
  const suites = files.map((file) => {
    const name = relative(root, file);
    return `[${JSON.stringify(name)}, () => import(${JSON.stringify(`./${name}`)})]`;
  });
  return `
import { runBundle } from "./test/browser/entry.ts";
runBundle([${suites.join(",\n")}]);
`;
}
