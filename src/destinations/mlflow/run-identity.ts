import { expectOk, get, type Json, jsonAt, listAt, numberAt, post, type Reply, Stop, textAt } from "./api.ts";
import { learnFrom, type RunThere, runThere } from "./run-data.ts";
import type { State } from "./state.ts";
import { note, resetDraft, stateOf, type Work } from "./work.ts";

/**
 * Finds or makes the one MLflow run of a uid. runs/create takes the same name twice and knows no key, so the uid is in
 * a tag: search, create, search again. After a lost reply the next delivery searches first.
 */

const uidTag = "runlog.uid";
const twinTag = "runlog.twin";

type Experiment = NonNullable<State["experiment"]>;

/** Makes sure that the ledger names the run. Sends nothing when it does. */
export async function findRun(work: Work): Promise<void> {
  if (stateOf(work).run !== undefined) return;
  const { tag, started } = await work.delivery.fold();
  const experiment = await findExperiment(work, work.settings.experiment ?? tag ?? "Default");
  let found = await searchRuns(work, experiment);
  if (found.every((run) => !run.isActive)) {
    refuseDeleted(work, found);
    await createRun(work, experiment, started);
    found = await searchRuns(work, experiment);
  }
  const winner = await settleTwins(work, found);
  await adopt(work, winner, { experiment });
}

/** Takes `there` as the run: what it holds is known, and what it needs is told to the ledger. */
export async function adopt(work: Work, there: RunThere, more: State): Promise<void> {
  learnFrom(there, work.kept, work.mapping.crc);
  resetDraft(work);
  await note(work, {
    ...more,
    run: there.id,
    artifacts: there.artifacts,
    anew: there.metrics.length > 0,
    status: there.status,
    ...(there.ended !== undefined && { ended: there.ended }),
  });
}

/** All runs of the uid in the experiment, also deleted ones, but for twins that lost. Smallest id first. */
export async function searchRuns(work: Work, experiment: Experiment): Promise<RunThere[]> {
  const body = {
    experiment_ids: [experiment.id],
    filter: `tags.\`${uidTag}\` = '${work.delivery.uid}'`,
    run_view_type: "ALL",
    max_results: 100,
  };
  const json = expectOk(work.delivery, await post(work.delivery, "runs/search", body), "the search");
  const runs = listAt(json, "runs").map(runThere);
  return runs.filter((run) => run.id !== "" && (run.isActive || !run.tags.has(twinTag))).sort(byId);
}

/** The active run with the smallest id; the others are marked and deleted. */
async function settleTwins(work: Work, found: readonly RunThere[]): Promise<RunThere> {
  const [winner, ...losers] = found.filter((run) => run.isActive);
  if (winner === undefined) {
    const problem = {
      code: "run_not_found",
      message: "MLflow does not show the run that it made",
      action: "nothing",
    };
    throw new Stop({ state: "retry", problem });
  }
  for (const { id } of losers) {
    const tag = { run_id: id, key: twinTag, value: winner.id };
    expectOk(work.delivery, await post(work.delivery, "runs/set-tag", tag), "the mark of a twin");
    expectOk(
      work.delivery,
      await post(work.delivery, "runs/delete", { run_id: id }),
      "the deletion of a twin",
    );
  }
  return winner;
}

async function createRun(work: Work, experiment: Experiment, started: number): Promise<void> {
  const { delivery } = work;
  const reply = await post(delivery, "runs/create", {
    experiment_id: experiment.id,
    run_name: delivery.run,
    start_time: Math.max(0, Math.trunc(started)),
    tags: [{ key: uidTag, value: delivery.uid }],
  });
  expectOk(delivery, reply, "to create a run");
}

async function findExperiment(work: Work, name: string): Promise<Experiment> {
  const { delivery } = work;
  let reply = await get(delivery, "experiments/get-by-name", { experiment_name: name });
  if (reply.kind === "missing") {
    const created = await post(delivery, "experiments/create", { name });
    const isTaken = created.kind === "refused" && created.code === "RESOURCE_ALREADY_EXISTS";
    if (!isTaken) checkCreated(created, name);
    reply = await get(delivery, "experiments/get-by-name", { experiment_name: name });
  }
  const experiment = jsonAt(expectOk(delivery, reply, `the experiment '${name}'`), "experiment");
  refuseDeletedExperiment(experiment, name);
  return { id: textAt(experiment, "experiment_id"), name, created: createdAt(experiment) };
}

/** A name that MLflow refuses is this run's own trouble. */
function checkCreated(reply: Reply, name: string): void {
  if (reply.kind === "ok") return;
  throw new Stop({
    state: "park",
    problem: {
      code: "experiment_refused",
      message: `MLflow refused to create the experiment '${name.slice(0, 100)}': ${reply.message}`,
      action: "give the run another tag, or mlflow(url, { experiment })",
    },
  });
}

/** @throws {Stop} when the experiment was deleted: a person must restore it or choose another. */
export function refuseDeletedExperiment(experiment: Json, name: string): void {
  if (textAt(experiment, "lifecycle_stage") !== "deleted") return;
  const id = textAt(experiment, "experiment_id");
  throw new Stop({
    state: "pause",
    problem: {
      code: "experiment_deleted",
      message: `the MLflow experiment '${name}' was deleted`,
      action: `restore it (mlflow experiments restore --experiment-id ${id}), or use another tag for new runs`,
    },
  });
}

/** Milliseconds at which an experiment was created; 0 where the server does not say. */
export function createdAt(experiment: Json): number {
  return numberAt(experiment, "creation_time");
}

/** @throws {Stop} when the uid's runs were all deleted there: what a person deleted is not made again. */
function refuseDeleted(work: Work, found: readonly RunThere[]): void {
  const [first] = found;
  if (first !== undefined) throw new Stop({ state: "park", problem: deletedProblem(work, first.id) });
}

export function deletedProblem(work: Work, id: string): { code: string; message: string; action: string } {
  return {
    code: "run_deleted",
    message: `the MLflow run ${id} of '${work.delivery.run}' was deleted`,
    action: `nothing if that was meant; else restore it (mlflow runs restore --run-id ${id}) and run 'runlog sync'`,
  };
}

function byId(one: RunThere, other: RunThere): number {
  return one.id < other.id ? -1 : 1;
}
