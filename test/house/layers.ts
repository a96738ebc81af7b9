/** Which part of `src` may import which, and which packages. Data goes one way, and so do imports. */
import { dirname, join, normalize } from "node:path";
import { importsOf } from "./syntax.ts";

/** What a part may import. */
interface Rule {
  /** Parts of src, beside itself. */
  readonly parts: readonly string[];
  /** Those of which only types may be taken: no code comes along, so a sub-entry holds no second copy of the core. */
  readonly types?: readonly string[];
  readonly packages: readonly string[];
}

const CORE = ["errors", "model", "read", "http", "stores", "sync", "lifecycle", "formats"];

/** Part of src (a folder, or a file of its top level) -> rule. */
const RULES: Record<string, Rule | "entry"> = {
  errors: { parts: [], packages: [] },
  model: { parts: ["errors"], packages: ["zod/mini", "superjson"] },
  read: { parts: ["errors", "model"], packages: ["zod/mini", "superjson"] },
  lifecycle: { parts: ["errors", "model"], types: ["client"], packages: [] },
  formats: { parts: ["errors", "model", "read"], packages: ["@bufbuild/protobuf/wire"] },
  http: { parts: ["errors", "model"], types: ["sync"], packages: ["ky"] },
  stores: { parts: ["errors", "model", "read", "http"], types: ["sync"], packages: ["zod/mini", "idb"] },
  sync: { parts: ["errors", "model", "read", "http", "stores"], packages: [] },
  destinations: { parts: [], types: CORE, packages: ["zod/mini", "superjson", "ky", "runlog"] },
  client: { parts: [...CORE, "run"], packages: ["zod/mini", "superjson"] },
  run: { parts: [...CORE, "client"], packages: ["zod/mini", "superjson"] },
  server: { parts: [...CORE, "client", "run"], packages: ["zod/mini", "hono", "@hono/node-server"] },
  index: "entry",
  exports: "entry",
  node: "entry",
  bundle: "entry",
  vite: "entry",
  cli: "entry",
  viewer: "entry",
  integrations: { parts: [], types: CORE, packages: ["runlog"] },
};

/** `src/stores/memory.ts` -> `stores`; `src/run.ts` -> `run`. */
function partOf(path: string): string {
  return (path.split("/")[1] ?? "").replace(/\.ts$/, "");
}

/**
 * What is wrong with the imports of one file, a line each.
 * @param path from the project's root, with `/`
 */
export function layerProblems(path: string, source: string): string[] {
  const part = partOf(path);
  const rule = RULES[part];
  if (rule === undefined) return [`${path}: "${part}" has no rule in test/house/layers.ts: add one`];
  return importsOf(path, source).flatMap(({ specifier, typeOnly, dynamic }) => {
    const says = `${path} imports ${specifier}`;
    if (dynamic && specifier.startsWith("."))
      return [`${says} dynamically: notebooks cannot load a second file`];
    if (specifier.startsWith("node:") || rule === "entry") return [];
    if (!specifier.startsWith(".")) {
      const allowed = rule.packages.some((name) => specifier === name || specifier.startsWith(`${name}/`));
      return allowed ? [] : [`${says}: src/${part} may use ${rule.packages.join(", ") || "no package"}`];
    }
    const target = partOf(normalize(join(dirname(path), specifier)));
    if (target === part || rule.parts.includes(target)) return [];
    if (rule.types?.includes(target) === true) {
      return typeOnly ? [] : [`${says}: src/${part} may take only types from there`];
    }
    return [
      `${says}: src/${part} may import ${[...rule.parts, ...(rule.types ?? [])].join(", ") || "no other part"}`,
    ];
  });
}
