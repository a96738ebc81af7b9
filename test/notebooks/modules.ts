/** Makes single modules of packages, as the CDNs of notebooks do: rollup 2, the browser condition, nothing shared. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import { rollup } from "rollup";

/** Specifier -> file in `folder`, of `specifiers` and of everything they import. */
export async function makeModules(
  project: string,
  folder: string,
  specifiers: readonly string[],
): Promise<Record<string, string>> {
  mkdirSync(folder, { recursive: true });
  const made: Record<string, string> = {};
  const waiting = [...specifiers];
  for (let specifier = waiting.shift(); specifier !== undefined; specifier = waiting.shift()) {
    if (specifier in made) continue;
    const file = `${specifier.replaceAll("/", "-")}.js`;
    made[specifier] = file;
    waiting.push(...(await makeModule(project, specifier, join(folder, file))));
  }
  return made;
}

/** Writes one module; gives what it imports. @throws for a part of Node in its graph, and for any warning */
async function makeModule(project: string, specifier: string, file: string): Promise<string[]> {
  const bundle = await rollup({
    input: specifier,
    external: (id) => id !== specifier && /^[@a-z]/i.test(id),
    plugins: [nodeResolve({ browser: true, rootDir: project })],
    onwarn(warning) {
      // Of zod's own files; harmless, and the CDNs build it all the same.
      if (warning.code === "CIRCULAR_DEPENDENCY") return;
      throw new Error(`${specifier}: ${warning.message}`);
    },
  });
  const { output } = await bundle.generate({ format: "es", inlineDynamicImports: true });
  await bundle.close();
  const [chunk] = output;
  const imported = chunk.imports.filter((each) => each !== specifier);
  const ofNode = imported.filter((each) => each.startsWith("node:"));
  if (ofNode.length > 0) throw new Error(`${specifier} imports ${ofNode.join(", ")}, which no CDN has`);
  writeFileSync(file, chunk.code);
  return imported;
}

/** The same, with the package's own files as they lie in the tarball. */
export function putOwnFiles(project: string, folder: string, made: Readonly<Record<string, string>>): void {
  const dist = join(project, "node_modules/runlog/dist");
  for (const [specifier, file] of Object.entries(made)) {
    if (!/^runlog($|\/)/.test(specifier)) continue;
    const own = specifier === "runlog" ? "index.js" : `${specifier.slice("runlog/".length)}.js`;
    writeFileSync(join(folder, file), readFileSync(join(dist, own)));
  }
}
