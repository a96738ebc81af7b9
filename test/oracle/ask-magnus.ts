import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { python } from "../env/find.ts";

/** A value as Python holds it, from `magnus.py`. */
export type Tagged =
  | string
  | boolean
  | null
  | readonly Tagged[]
  | { readonly int: string }
  | { readonly float: string }
  | { readonly pairs: readonly (readonly [string, Tagged])[] };

/** What one sequence gave: the metrics, or the error that kills a run of magnus. */
export type Tracked = { readonly metrics: Tagged } | { readonly error: string };

const script = fileURLToPath(new URL("./magnus.py", import.meta.url));

/** Hands a request's JSON text (Python's bare NaN and Infinity allowed) to magnus and gives its answer. */
export async function askMagnus<T>(request: string): Promise<T> {
  const interpreter = python("magnus");
  if (interpreter === undefined) throw new Error("magnus is not on this machine");
  // A folder of its own: importing magnus reads configuration from where it starts.
  const cwd = await mkdtemp(join(tmpdir(), "runlog-magnus-"));
  try {
    return JSON.parse(await output(interpreter, cwd, request)) as T;
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

function output(interpreter: string, cwd: string, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd, maxBuffer: 1 << 28, timeout: 120_000, killSignal: "SIGKILL" as const };
    const child = execFile(interpreter, ["-I", script], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`magnus.py failed: ${error.message}\n${stderr.slice(-4_000)}`));
    });
    child.stdin?.end(request);
  });
}

/** JSON as Python writes it: bare NaN, Infinity and -0.0. */
export function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    return `{${Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}:${pythonJson(item)}`)}}`;
  }
  if (typeof value !== "number") return JSON.stringify(value);
  return Object.is(value, -0) ? "-0.0" : String(value);
}
