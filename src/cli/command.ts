import type { ParseArgsOptionsConfig } from "node:util";

/** 0 done, 1 failed, 2 wrong usage, 3 done but something is pending or set aside. */
export type ExitCode = 0 | 1 | 2 | 3;

/** One subcommand of `runlog`. */
export interface Command {
  /** What follows `runlog`, for the usage line. */
  readonly usage: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Its options beside `--store` and `--help`, as `parseArgs` wants them. */
  readonly options: ParseArgsOptionsConfig;
  /** The fewest and the most arguments that are no options. */
  readonly positionals: readonly [least: number, most: number];
  /** True when stdout carries another program's output, which ends when the reader leaves. */
  readonly passesOutput?: true;
  /** @returns an `ExitCode`, or another program's code */
  run(input: Input): Promise<number>;
}

/** A command line, taken apart. */
export interface Input {
  /** The store's folder: `--store`, else `RUNLOG_STORE`, else `.run_log_store`. */
  readonly store: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
}

/** The command line is wrong; shown with the usage, exit code 2. */
export class UsageError extends Error {}

/** The text of option `name`, or undefined when it was not given. */
export function textOf(input: Input, name: string): string | undefined {
  const value = input.values[name];
  return typeof value === "string" ? value : undefined;
}

/** The texts of a repeatable option. */
export function textsOf(input: Input, name: string): readonly string[] {
  const value = input.values[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** Whether the flag `name` was given. */
export function flag(input: Input, name: string): boolean {
  return input.values[name] === true;
}

/** The argument at `index`; `parse` has checked that it is there. */
export function argument(input: Input, index: number): string {
  const found = input.positionals[index];
  if (found === undefined) throw new UsageError("an argument is missing");
  return found;
}
