import { readFileSync } from "node:fs";
import { load } from "js-yaml";
import { messageOf, RunlogError } from "../errors.ts";

/**
 * The parameters in a file of YAML or JSON: a map of names and values.
 * @throws {RunlogError} `invalid`, naming the file and what is wrong with it
 */
export function readParametersFile(path: string): Record<string, unknown> {
  const found = readYaml(path);
  if (typeof found !== "object" || found === null || Array.isArray(found))
    throw wrong(path, "it must be a map of names and values, such as 'lr: 0.1'");
  return found as Record<string, unknown>;
}

function readYaml(path: string): unknown {
  try {
    return load(readFileSync(path, "utf8"));
  } catch (error) {
    throw wrong(path, messageOf(error).split("\n", 1)[0] as string);
  }
}

function wrong(path: string, what: string): RunlogError {
  return new RunlogError("invalid", `the parameters file '${path}' cannot be used: ${what}`);
}
