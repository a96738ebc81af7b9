import { parameterVariable, readParameters, readTracked, trackVariables } from "../client/environment.ts";
import { Run } from "../client/run.ts";
import { messageOf } from "../errors.ts";
import { checkTask, mainTask } from "../model/observation.ts";
import { resumeRun, startRun } from "../node.ts";
import { argument, type Command, type Input, textOf, UsageError } from "./command.ts";
import { type CommandEnd, runCommand } from "./exec-child.ts";
import { createTrackedLines } from "./exec-lines.ts";
import { openExecutionLog } from "./exec-log.ts";
import { note } from "./output.ts";
import { readParametersFile } from "./parameters-file.ts";

/** `runlog exec`: runs a command and tracks what it prints and, of a script, what it exports. */
export const exec: Command = {
  usage: "exec [--tag T] [--run RUN] [--task NAME] [--parameters-file F] -- COMMAND...",
  summary:
    "run a command as a run, or as a task of one; MAGNUS_TRACK_<key>[_STEP_<n>]=<value>, printed or exported, is tracked",
  options: {
    tag: { type: "string" },
    run: { type: "string" },
    task: { type: "string" },
    "parameters-file": { type: "string" },
  },
  positionals: [1, Number.POSITIVE_INFINITY],
  passesOutput: true,
  async run(input) {
    if (argument(input, 0) === "") throw new UsageError("the command is empty");
    const task = textOf(input, "task") ?? mainTask;
    checkTask(task);
    const parameters = parametersOf(input);
    const run = await runOf(input, parameters);
    // There before the command, which may join it.
    await run.flush();
    const end = await underTask(run, task, () => execute(run, task, parameters ?? {}, input));
    await finish(run, end);
    return end.code;
  },
};

/** The run that `--run` names, else the one that this process belongs to, else a new one. */
async function runOf(input: Input, parameters: Record<string, unknown> | undefined): Promise<Run> {
  const named = textOf(input, "run") ?? process.env.RUNLOG_RUN;
  const tag = textOf(input, "tag");
  const options = {
    store: input.store,
    ...(tag !== undefined && { tag }),
    ...(parameters !== undefined && { parameters }),
  };
  if (!named) return startRun(options);
  const [runId, uid] = named.split(":");
  return await resumeRun({ ...options, runId, ...(uid !== undefined && { uid }) });
}

/** A task that is not the run itself gets its own start and end in the run log. */
async function underTask(run: Run, task: string, body: () => Promise<CommandEnd>): Promise<CommandEnd> {
  if (task === mainTask) return await body();
  const core = Run.core(run);
  core.taskRecord([task], 1, "PROCESSING");
  const end = await body();
  core.taskRecord([task], 1, end.code === 0 ? "SUCCESS" : "FAIL", { message: end.message });
  return end;
}

async function execute(
  run: Run,
  task: string,
  parameters: Readonly<Record<string, unknown>>,
  input: Input,
): Promise<CommandEnd> {
  const core = Run.core(run);
  const tell = (problem: string): void => note(`runlog: ${problem}`);
  const track = (variables: NodeJS.ProcessEnv): void => {
    const tracked = readTracked(variables);
    const keep = (values: Readonly<Record<string, unknown>>, step: number): void =>
      core.tracker.track(task, 1, values, { step });
    for (const problem of trackVariables(tracked, keep, (name) => delete variables[name])) tell(problem);
    for (const [name, value] of Object.entries(readParameters(variables))) {
      try {
        run.setParameters({ [name]: value });
      } catch (error) {
        tell(`${parameterVariable(name)}: ${messageOf(error)}`);
      }
    }
  };
  // What was set before belongs to this task, and is not the command's to track again.
  track(process.env);

  const location = run.report().location;
  const log = location === "memory" ? undefined : openExecutionLog(location, run.id, task, tell);
  const lines = createTrackedLines(
    (name, text) => track({ [name]: text }),
    (start) => tell(`a line over 1 MiB is not tracked: ${start}…`),
  );
  // The command's own bytes, colours and all: whoever runs it sees what it would show without us.
  const pass = async (stream: NodeJS.WriteStream, chunk: Uint8Array): Promise<void> => {
    log?.write(chunk);
    await new Promise<void>((resolve, reject) => {
      stream.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
  };
  const env = {
    ...process.env,
    ...variablesOf(parameters),
    RUNLOG_RUN: `${run.id}:${run.uid}`,
    ...storeOf(location),
  };
  const end = await runCommand(input.positionals, env, {
    stdout: async (chunk) => {
      lines.push(chunk);
      await pass(process.stdout, chunk);
    },
    stderr: (chunk) => pass(process.stderr, chunk),
  });
  lines.end();
  track(Object.fromEntries(end.variables ?? []));
  const kept = log?.close();
  if (kept !== undefined) core.record({ type: "artifact", task, time: Date.now(), stage: "put", ...kept });
  return end;
}

/** The parameters of `--parameters-file`. */
function parametersOf(input: Input): Record<string, unknown> | undefined {
  const path = textOf(input, "parameters-file");
  return path === undefined ? undefined : readParametersFile(path);
}

/** As magnus hands parameters to a command: one variable each, JSON but for texts. */
function variablesOf(parameters: Readonly<Record<string, unknown>>): NodeJS.ProcessEnv {
  const variables = Object.entries(parameters).map(([name, value]) => [
    parameterVariable(name),
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return Object.fromEntries(variables) as NodeJS.ProcessEnv;
}

/** A command that joins the run finds it in the same store, wherever it goes. */
function storeOf(location: string): NodeJS.ProcessEnv {
  return location === "memory" ? {} : { RUNLOG_STORE: location };
}

async function finish(run: Run, { code, signal, message }: CommandEnd): Promise<void> {
  const why = { ...(message !== undefined && { message }), ...(signal !== undefined && { signal }) };
  // After a signal somebody waits for this process to go; the next courier delivers.
  await Run.core(run).finish(code === 0 ? "SUCCESS" : "FAIL", why, signal === undefined ? 10_000 : 0);
}
