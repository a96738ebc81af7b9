/** The mutants of a source file, read with the parser that the bundler uses. */
import { parseSync } from "vite";

/** One small change of a source, such as a careless edit would be. */
export interface Mutant {
  readonly file: string;
  readonly line: number;
  /** The same as long as what it changes is: file, function and change, never a line number. */
  readonly key: string;
}

declare global {
  /** True for the mutant that is awake. */
  var mutant: ((id: number) => boolean) | undefined;
}

/** A source in which each mutant sleeps until `globalThis.mutant(id)` says true for it. */
export interface Mutated {
  readonly source: string;
  /** In order of their ids, the first of which is `firstId`. */
  readonly mutants: readonly Mutant[];
}

interface Syntax extends Record<string, unknown> {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** A place in the source with the ids of its mutants; `wrap` is given its text with the places inside it done. */
interface Site {
  readonly start: number;
  readonly end: number;
  readonly wrap: (inner: string) => string;
}

/** What a mutant does, and the expression or statement that it becomes. */
type Add = (node: Syntax, change: string) => string;

const flipped: Readonly<Record<string, string>> = {
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "===": "!==",
  "!==": "===",
  "&&": "||",
  "||": "&&",
};

export function mutate(file: string, source: string, firstId: number): Mutated {
  const mutants: Mutant[] = [];
  const sites: Site[] = [];
  const seen = new Map<string, number>();
  const twins = new Set<Syntax>();
  const text = (node: Syntax): string => source.slice(node.start, node.end);
  const visit = (node: Syntax, path: readonly string[]): void => {
    const name = nameOf(node, path.length > 0);
    const inside = name === undefined ? path : [...path, name];
    const add: Add = ({ start }, change) => {
      const base = `${file} ${inside.filter(Boolean).join(".")}: ${change.replaceAll(/\s+/g, " ")}`;
      const count = (seen.get(base) ?? 0) + 1;
      seen.set(base, count);
      const line = source.slice(0, start).split("\n").length;
      mutants.push({ file, line, key: count === 1 ? base : `${base} #${count}` });
      return `globalThis.mutant?.(${firstId + mutants.length - 1})`;
    };
    for (const same of saidByCondition(node)) twins.add(same);
    // What stands outside of functions is done before any test.
    if (inside.length > 0) sites.push(...sitesOf(node, text, add, twins.has(node)));
    for (const child of childrenOf(node)) visit(child, inside);
  };
  visit(parseSync(file, source).program as unknown as Syntax, []);
  return { source: apply(source, sites), mutants };
}

/** What is not changed by itself, for a condition that is always true or always false is the same mutant. */
function saidByCondition({ type, test, consequent, alternate }: Syntax): Syntax[] {
  if (type !== "IfStatement" && type !== "ConditionalExpression") return [];
  const [condition, then] = [test as Syntax, consequent as Syntax];
  const isEquality = ["===", "!=="].includes(String(condition.operator));
  const body = then.type === "BlockStatement" ? (then.body as Syntax[]) : [then];
  const isAlone = type === "IfStatement" && body.length === 1 && alternate === null;
  return [...(isEquality ? [condition] : []), ...(isAlone ? body : [])];
}

/** The function that begins with this node; the empty text for one without a name inside another. */
function nameOf(node: Syntax, nested: boolean): string | undefined {
  const given = (node.id ?? node.key) as Syntax | undefined;
  const value = (node.init ?? node.value) as Syntax | undefined;
  if (node.type === "FunctionDeclaration") return String(given?.name);
  const isFunction = (one: Syntax | undefined): boolean =>
    one?.type === "ArrowFunctionExpression" || one?.type === "FunctionExpression";
  const holds = ["VariableDeclarator", "Property", "MethodDefinition", "PropertyDefinition"];
  if (holds.includes(node.type) && isFunction(value)) return String(given?.name);
  return isFunction(node) ? (nested ? "" : "function") : undefined;
}

function childrenOf(node: Syntax): Syntax[] {
  const isNode = (one: unknown): one is Syntax => typeof one === "object" && one !== null && "type" in one;
  return Object.values(node).flat().filter(isNode);
}

function sitesOf(node: Syntax, text: (node: Syntax) => string, add: Add, isTwin: boolean): Site[] {
  const child = (name: string): Syntax => node[name] as Syntax;
  switch (node.type) {
    case "IfStatement":
    case "ConditionalExpression":
      return [conditionSite(child("test"), text, add)];
    case "BinaryExpression":
    case "LogicalExpression":
      return isTwin ? [] : operatorSites(node, text, add);
    case "ThrowStatement":
      return isTwin ? [] : [removalSite(node, text, add)];
    case "ExpressionStatement": {
      if (!isCall(child("expression"))) return [];
      const removal = isTwin ? [] : [removalSite(node, text, add)];
      return [...removal, ...awaitSites(child("expression"), text, add)];
    }
    case "ReturnStatement":
      return node.argument ? flagSites(child("argument"), text, add) : [];
    case "AssignmentExpression":
      return flagSites(child("right"), text, add, `${text(child("left"))} = `);
    default:
      return [];
  }
}

/** `f()`, `await f()`, `void f?.()`. */
function isCall({ type, argument, expression }: Syntax): boolean {
  if (type === "AwaitExpression" || type === "UnaryExpression") return isCall(argument as Syntax);
  return type === "ChainExpression" ? isCall(expression as Syntax) : type === "CallExpression";
}

function conditionSite(test: Syntax, text: (node: Syntax) => string, add: Add): Site {
  const [yes, no] = [true, false].map((to) => add(test, `if (${text(test)}) is always ${to}`));
  return site(test, (inner) => `(${yes} ? true : ${no} ? false : ${inner})`);
}

function operatorSites(node: Syntax, text: (node: Syntax) => string, add: Add): Site[] {
  const operator = String(node.operator);
  const [left, right] = [text(node.left as Syntax), text(node.right as Syntax)];
  const isStep = (operator === "+" || operator === "-") && /^\d+$/.test(right);
  const other = isStep ? left : flipped[operator] && `${left} ${flipped[operator]} ${right}`;
  if (other === undefined) return [];
  const on = add(node, `${text(node)} becomes ${other}`);
  return [site(node, (inner) => `(${on} ? (${other}) : (${inner}))`)];
}

function removalSite(node: Syntax, text: (node: Syntax) => string, add: Add): Site {
  const on = add(node, `without ${text(node)}`);
  return site(node, (inner) => `{ if (!${on}) ${inner} }`);
}

function awaitSites(node: Syntax, text: (node: Syntax) => string, add: Add): Site[] {
  if (node.type !== "AwaitExpression") return [];
  const on = add(node, `not awaited: ${text(node)}`);
  return [site(node, (inner) => `(${on} ? ${text(node.argument as Syntax)} : ${inner})`)];
}

function flagSites(node: Syntax, text: (node: Syntax) => string, add: Add, left = "return "): Site[] {
  if (node.type !== "Literal" || typeof node.value !== "boolean") return [];
  const on = add(node, `${left}${text(node)} becomes ${!node.value}`);
  return [site(node, (inner) => `(${on} ? ${!node.value} : ${inner})`)];
}

function site({ start, end }: Syntax, wrap: Site["wrap"]): Site {
  return { start, end, wrap };
}

/** Writes the sites into the source, inner ones within outer ones. */
function apply(source: string, sites: readonly Site[]): string {
  // Of two with one range the later wraps the earlier.
  const ordered = sites.toSorted((one, other) => one.start - other.start || other.end - one.end).values();
  let next = ordered.next().value;
  const render = (start: number, end: number): string => {
    let text = "";
    let at = start;
    while (next !== undefined && next.start < end) {
      const { start: from, end: to, wrap } = next;
      next = ordered.next().value;
      text += source.slice(at, from) + wrap(render(from, to));
      at = to;
    }
    return text + source.slice(at, end);
  };
  return render(0, source.length);
}
