import { checkRunThere, expectOk, get, type Json, jsonAt, RunLost, Stop, textAt } from "./api.ts";
import { runThere } from "./run-data.ts";
import { adopt, createdAt, deletedProblem, refuseDeletedExperiment, searchRuns } from "./run-identity.ts";
import type { State } from "./state.ts";
import { runOf, startWork, stateOf, type Work } from "./work.ts";

/** Asks whether a run that was delivered is still there. @throws {RunLost} when it is not */
export async function verifyRun(work: Work): Promise<void> {
  if (stateOf(work).run === undefined) return;
  const reply = await get(work.delivery, "runs/get", { run_id: runOf(work) });
  checkRunThere(reply);
  const run = runThere(jsonAt(expectOk(work.delivery, reply, "to show a run"), "run"));
  if (!run.isActive) throw new RunLost("deleted", `the run ${run.id} was deleted`);
}

/**
 * What to do about a run that is gone. Resolves when delivery may begin anew: with a twin of the run that another host
 * keeps, or from nothing on a server that was wiped.
 * @throws {Stop} when a person deleted it: that is respected
 */
export async function recover(work: Work, lost: RunLost): Promise<void> {
  const { experiment, run } = stateOf(work);
  if (experiment === undefined || run === undefined) return forget(work);
  const there = await experimentThere(work, experiment);
  if (there === undefined) return forget(work);
  refuseDeletedExperiment(there, experiment.name);
  const twin = (await searchRuns(work, experiment)).find((each) => each.isActive && each.id !== run);
  if (twin === undefined) throw new Stop({ state: "park", problem: goneProblem(work, lost, run) });
  await forget(work);
  await adopt(startWork(work.delivery, work.settings), twin, { experiment });
}

/** The experiment, if it is the one that was used: a wiped server gives the same numbers again. */
async function experimentThere(
  work: Work,
  used: NonNullable<State["experiment"]>,
): Promise<Json | undefined> {
  const reply = await get(work.delivery, "experiments/get", { experiment_id: used.id });
  if (reply.kind === "missing") return undefined;
  const experiment = jsonAt(expectOk(work.delivery, reply, "to show an experiment"), "experiment");
  const isSame = textAt(experiment, "name") === used.name && createdAt(experiment) === used.created;
  return isSame ? experiment : undefined;
}

async function forget(work: Work): Promise<void> {
  await work.delivery.save({ position: {}, delivered: 0, setAside: 0, state: {} });
}

function goneProblem(
  work: Work,
  lost: RunLost,
  run: string,
): { code: string; message: string; action: string } {
  if (lost.how === "deleted") return deletedProblem(work, run);
  return {
    code: "run_purged",
    message: `the MLflow run ${run} of '${work.delivery.run}' was removed for good`,
    action: "nothing if that was meant; the run stays in this store",
  };
}
