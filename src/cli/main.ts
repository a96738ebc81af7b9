#!/usr/bin/env node
import { messageOf } from "../errors.ts";
import { type Command, UsageError } from "./command.ts";
import { compare } from "./compare.ts";
import { doctor } from "./doctor.ts";
import { exec } from "./exec.ts";
import { exportCommand } from "./export.ts";
import { importCommand } from "./import.ts";
import { note, print } from "./output.ts";
import { parse } from "./parse.ts";
import { rm } from "./rm.ts";
import { runs } from "./runs.ts";
import { series } from "./series.ts";
import { serve } from "./serve.ts";
import { show } from "./show.ts";
import { sync } from "./sync.ts";

/** The command line of runlog: chooses the command and turns its end into an exit code. */

const commands: Readonly<Record<string, Command>> = {
  serve,
  sync,
  runs,
  show,
  series,
  compare,
  export: exportCommand,
  import: importCommand,
  exec,
  rm,
  doctor,
};

const general: readonly string[] = `usage: runlog COMMAND [--store DIR] ...

${Object.values(commands)
  .map(({ usage, summary }) => `  ${usage}\n      ${summary}`)
  .join("\n")}

--store DIR   the folder of runs; default RUNLOG_STORE, else .run_log_store
Results go to stdout, the rest to stderr. Exit code 0: done, 1: failed, 2: wrong usage,
3: done, but something is pending or was set aside.`.split("\n");

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === "--help" || name === "-h" || name === "help") {
    for (const line of general) print(line);
    return 0;
  }
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    if (name !== undefined) note(`runlog: there is no command '${name}'`);
    for (const line of general) note(line);
    return 2;
  }
  return await execute(command, rest);
}

async function execute(command: Command, args: readonly string[]): Promise<number> {
  try {
    const input = parse(command, args);
    if (input !== "help") return await command.run(input);
    print(`usage: runlog ${command.usage} [--store DIR]`);
    print(command.summary);
    return 0;
  } catch (error) {
    note(`runlog: ${messageOf(error)}`);
    if (!(error instanceof UsageError)) return 1;
    note(`usage: runlog ${command.usage} [--store DIR]`);
    return 2;
  }
}

// A reader that has seen enough (`runlog runs | head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  if (commands[process.argv[2] ?? ""]?.passesOutput !== true) process.exit(0);
});

process.exitCode = await main(process.argv.slice(2));
