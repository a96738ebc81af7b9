import type { ArtifactRecord, Status, StoredValue } from "../model/records.ts";
import { nameOfPath } from "../model/task-path.ts";
import { type Sampled, shownMetric } from "./run-log-metrics.ts";
import { durationText, Entries, timeText } from "./run-log-text.ts";
import type { AttemptState, RunState, TaskState } from "./state.ts";

/** The steps of a run log: each task with its attempts and metrics, and the branches that it holds with theirs. */

/** A task or branch with what it holds; `task` is undefined where only something inside it is known. */
interface Node {
  readonly path: readonly string[];
  readonly task: TaskState | undefined;
  readonly inner: Node[];
}

interface Context {
  readonly state: RunState;
  /** Every step of every key. */
  readonly full: boolean;
  /** Takes the keys that are shown in part. */
  readonly sampled: Sampled[];
}

type Item = readonly [name: string, value: unknown];

/** All steps of the run by name, closed by `success` or `fail` once it has ended. */
export function stepsOf(state: RunState, full: boolean, sampled: Sampled[]): Entries {
  const context = { state, full, sampled };
  return stepEntries(context, forest(state.tasks.values()), [], state.status, state.ended);
}

/** Parameters as a run log shows them: the JSON of rich values. */
export function ordered(
  parameters: ReadonlyMap<string, StoredValue> | Readonly<Record<string, StoredValue>>,
): Entries {
  const entries = parameters instanceof Map ? [...parameters] : Object.entries(parameters);
  return new Entries(function* () {
    for (const [name, stored] of entries) yield [name, stored.json ?? null];
  });
}

/** The outermost tasks, each with what it holds, in the order in which they were first told. */
function forest(tasks: Iterable<TaskState>): Node[] {
  const told = new Map(Array.from(tasks, (task) => [task.name, task]));
  const nodes = new Map<string, Node>();
  const outer: Node[] = [];
  const place = (path: readonly string[]): Node => {
    const name = nameOfPath(path);
    let node = nodes.get(name);
    if (node === undefined) {
      node = { path, task: told.get(name), inner: [] };
      nodes.set(name, node);
      const siblings = path.length === 1 ? outer : place(path.slice(0, -1)).inner;
      siblings.push(node);
    }
    return node;
  };
  for (const { path } of told.values()) place(path);
  return outer;
}

function stepEntries(
  context: Context,
  nodes: readonly Node[],
  within: readonly string[],
  status: Status,
  ended: number | undefined,
): Entries {
  const steps = nodes.map((node): Item => [nameOfPath(node.path), stepLog(context, node)]);
  const isClosed = nodes.some(({ task }) => task?.kind === "success" || task?.kind === "fail");
  const closing = isClosed ? undefined : closingStep(context.state, nodes, within, status, ended);
  const all = closing === undefined ? steps : [...steps, closing];
  return new Entries(() => all.values());
}

function stepLog(context: Context, { path, task, inner }: Node): object {
  const { state } = context;
  const name = nameOfPath(path);
  const branches = inner.map((branch): Item => [nameOfPath(branch.path), branchLog(context, branch)]);
  const catalog = state.artifacts.filter((artifact) => artifact.task === name);
  const kind = task?.kind ?? "parallel";
  return {
    ...stepHead(path, task?.status ?? state.status, kind, task?.code ?? state.code, task?.mock),
    attempts: (task?.attempts ?? []).map((attempt) => attemptLog(state, attempt)),
    user_defined_metrics: metricsOf(context, task),
    branches: new Entries(() => branches.values()),
    data_catalog: catalog.map((artifact) => catalogLog(state.run, artifact)),
  };
}

function branchLog(context: Context, { path, task, inner }: Node): object {
  const status = task?.status ?? context.state.status;
  const steps = stepEntries(context, inner, path, status, task?.attempts.at(-1)?.end);
  return { internal_name: nameOfPath(path), status, steps };
}

function metricsOf({ full, sampled }: Context, task: TaskState | undefined): Entries {
  const metrics: Item[] = [];
  for (const [key, column] of task?.columns ?? []) {
    const shown = shownMetric(column, task?.shown ?? 1, full);
    if (shown === undefined) continue;
    metrics.push([key, shown.json]);
    const { sampled: part } = shown;
    if (part !== undefined) sampled.push({ task: task?.name ?? "", key, steps: part[0], kept: part[1] });
  }
  return new Entries(() => metrics.values());
}

/** magnus ends every graph in a step of this kind, which itself always succeeds. */
function closingStep(
  state: RunState,
  siblings: readonly Node[],
  within: readonly string[],
  status: Status,
  ended: number | undefined,
): Item | undefined {
  if (status !== "SUCCESS" && status !== "FAIL") return undefined;
  const kind = status === "SUCCESS" ? "success" : "fail";
  let name: string = kind;
  while (siblings.some(({ path }) => path.at(-1) === name)) name += "_";
  const path = [...within, name];
  const attempt = {
    number: 1,
    status: "SUCCESS",
    start: ended,
    end: ended,
    message: "",
    parameters: undefined,
  } as const;
  const step = {
    ...stepHead(path, "SUCCESS", kind, state.code),
    attempts: [attemptLog(state, attempt)],
    user_defined_metrics: {},
    branches: {},
    data_catalog: [],
  };
  return [nameOfPath(path), step];
}

function stepHead(
  path: readonly string[],
  status: Status,
  step_type: string,
  code: readonly unknown[],
  mock = false,
): object {
  return {
    name: path.at(-1),
    internal_name: nameOfPath(path),
    status,
    step_type,
    message: "",
    mock,
    code_identities: code.map(codeIdentity),
  };
}

/** The fields of magnus in its order and with its defaults, then whatever else was said, which magnus keeps. */
function codeIdentity(code: unknown): unknown {
  return {
    code_identifier: "",
    code_identifier_type: "",
    code_identifier_dependable: false,
    code_identifier_url: "",
    code_identifier_message: "",
    ...(typeof code === "object" ? code : { code_identifier: String(code) }),
  };
}

function attemptLog(state: RunState, attempt: AttemptState): object {
  const { number, status, start, end, message, parameters } = attempt;
  return {
    attempt_number: number,
    start_time: timeText(start),
    end_time: timeText(end),
    duration: durationText(start, end),
    status,
    message,
    parameters: parameters === undefined ? parametersAt(state, start) : ordered(parameters),
  };
}

function parametersAt(state: RunState, time: number | undefined): Entries {
  const parameters = new Map(state.parameters);
  for (const change of state.changes) {
    if (time !== undefined && change.time <= time) parameters.set(change.name, change.stored);
  }
  return ordered(parameters);
}

function catalogLog(run: string, { name, sha256, stage }: ArtifactRecord): object {
  return {
    name,
    data_hash: sha256,
    catalog_relative_path: stage === "put" ? `${run}/${name}` : name,
    catalog_handler_location: ".catalog",
    stage,
  };
}
