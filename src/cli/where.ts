import { parseJson } from "../model/json.ts";
import { UsageError } from "./command.ts";

/** `--where 'parameters.lr>=0.01'`: a dotted path, an operator, a value (JSON, else text). */

const condition = /^\s*([^<>=!]+?)\s*(>=|<=|!=|=|>|<)\s*(.*?)\s*$/s;
const operators: Readonly<Record<string, string>> = {
  ">=": "gte",
  "<=": "lte",
  ">": "gt",
  "<": "lt",
  "!=": "ne",
};

/**
 * The conditions as a run query's `where`.
 * @throws {UsageError} for what is no condition.
 */
export function parseWhere(conditions: readonly string[]): Record<string, unknown> {
  // Without a prototype, so that no path is taken for more than a name.
  const where: Record<string, unknown> = Object.create(null);
  for (const text of conditions) {
    const [, path, operator, value] = condition.exec(text) ?? [];
    if (path === undefined || operator === undefined || value === undefined) {
      throw new UsageError(
        `--where wants PATH, one of >= <= > < = !=, and a value; found ${JSON.stringify(text)}`,
      );
    }
    const wanted = parseValue(value);
    const name = operators[operator];
    where[path] = name === undefined ? wanted : { ...asObject(where[path]), [name]: wanted };
  }
  return where;
}

function parseValue(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return text; // plain words need no quotes
  }
}

function asObject(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}
