/** What the structure tests ask of a source file, read with the parser that the bundler uses. */
import { parseSync } from "vite";

/** One `import ... from`, `export ... from` or `import()`. */
export interface Import {
  /** As written. */
  readonly specifier: string;
  /** Every name is a type: nothing of it is left in a bundle. */
  readonly typeOnly: boolean;
  /** `import("...")`. */
  readonly dynamic: boolean;
}

/** The imports of a TypeScript or JavaScript source, in order of kind. */
export function importsOf(path: string, source: string): Import[] {
  const { staticImports, staticExports, dynamicImports } = parseSync(path, source).module;
  const exported = staticExports.flatMap(({ entries }) => entries);
  return [
    ...staticImports.map(({ moduleRequest, entries }) => ({
      specifier: moduleRequest.value,
      typeOnly: entries.length > 0 && entries.every(({ isType }) => isType),
      dynamic: false,
    })),
    ...exported.flatMap(({ moduleRequest, isType }) =>
      moduleRequest ? [{ specifier: moduleRequest.value, typeOnly: isType, dynamic: false }] : [],
    ),
    ...dynamicImports.map(({ moduleRequest: { start, end } }) => ({
      specifier: source.slice(start, end).replace(/^["'`]|["'`]$/g, ""),
      typeOnly: false,
      dynamic: true,
    })),
  ];
}

/** Lines of `catch {}`, and of `.catch(() => {})`, that hold no statement; a comment is none. */
export function silentCatches(path: string, source: string): number[] {
  const lines: number[] = [];
  visit(parseSync(path, source).program, (node) => {
    const handler = node.type === "CatchClause" ? node : rejectionHandler(node);
    const body = handler?.body as Syntax | undefined;
    const statements = body?.type === "BlockStatement" ? (body.body as unknown[]) : undefined;
    if (statements?.length === 0) lines.push(source.slice(0, node.start as number).split("\n").length);
  });
  return lines;
}

type Syntax = Record<string, unknown>;

/** The function handed to `.catch(...)`, where the node is such a call. */
function rejectionHandler(node: Syntax): Syntax | undefined {
  const callee = node.callee as Syntax | undefined;
  const property = callee?.property as Syntax | undefined;
  if (node.type !== "CallExpression" || property?.name !== "catch") return undefined;
  return (node.arguments as Syntax[])[0];
}

function visit(node: unknown, see: (node: Syntax) => void): void {
  if (Array.isArray(node)) {
    for (const child of node) visit(child, see);
  } else if (typeof node === "object" && node !== null) {
    if ("type" in node) see(node as Syntax);
    for (const child of Object.values(node)) visit(child, see);
  }
}
