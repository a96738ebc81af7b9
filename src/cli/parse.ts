import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { type Command, type Input, UsageError } from "./command.ts";

/** Options that every command takes. */
const shared: ParseArgsOptionsConfig = { store: { type: "string" }, help: { type: "boolean", short: "h" } };

/** The folder used when neither `--store` nor `RUNLOG_STORE` says another. */
export const defaultStore = ".run_log_store";

/**
 * A command's arguments, taken apart; "help" when help was asked for. Options beat environment beats defaults.
 * @throws {UsageError} for an unknown option, a missing value or a wrong number of arguments.
 */
export function parse(command: Command, args: readonly string[]): Input | "help" {
  const { values, positionals } = split(command, args);
  if (values.help === true) return "help";
  const [least, most] = command.positionals;
  if (positionals.length < least) throw new UsageError("an argument is missing");
  if (positionals.length > most) throw new UsageError(`unexpected argument '${positionals[most]}'`);
  const store = typeof values.store === "string" ? values.store : process.env.RUNLOG_STORE || defaultStore;
  if (store === "") throw new UsageError("--store must name a folder");
  if (store.includes("://")) throw new UsageError(`--store must name a folder, found the URL '${store}'`);
  return { store, values, positionals };
}

function split(
  command: Command,
  args: readonly string[],
): { values: Record<string, unknown>; positionals: readonly string[] } {
  const options = { ...shared, ...command.options };
  try {
    return parseArgs({
      args: withJoinedValues(args, options),
      options,
      allowPositionals: true,
      strict: true,
    });
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

/** `--sort -best.loss` as `--sort=-best.loss`, since a value may begin with a dash though options do too. */
function withJoinedValues(args: readonly string[], options: ParseArgsOptionsConfig): string[] {
  const joined: string[] = [];
  let takesValue = false;
  const end = args.indexOf("--");
  // What follows -- is no option.
  const last = end < 0 ? args.length : end;
  for (const arg of args.slice(0, last)) {
    if (takesValue && /^-[^-]/.test(arg)) joined.push(`${joined.pop()}=${arg}`);
    else joined.push(arg);
    takesValue = !takesValue && arg.startsWith("--") && options[arg.slice(2)]?.type === "string";
  }
  return [...joined, ...args.slice(last)];
}
