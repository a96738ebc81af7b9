import type { FoldedRun } from "../../sync/destination.ts";
import { checkRunThere, expectOk, post, retryOf, Stop } from "./api.ts";
import { note, runOf, stateOf, type Work } from "./work.ts";

/**
 * The run's end in MLflow: status and end time by the fold, then the whole run log as one file. Only the store of the
 * run's first writer does this, and only when an end was delivered or something came after one.
 */
export async function finishRun(work: Work): Promise<void> {
  const { delivery } = work;
  const state = stateOf(work);
  if (!delivery.owner || state.due !== true) return;
  const folded = await delivery.fold();
  const status = statusThere(folded);
  const ended = status === "RUNNING" ? undefined : folded.ended;
  if (status !== state.status || (ended !== undefined && ended !== state.ended)) {
    const end = ended === undefined ? {} : { end_time: ended };
    const reply = await post(delivery, "runs/update", { run_id: runOf(work), status, ...end });
    checkRunThere(reply);
    expectOk(delivery, reply, "a status");
    await note(work, { status, ...(ended !== undefined && { ended }) });
  }
  const runLog = status === "RUNNING" ? {} : { runLog: await putRunLog(work, folded) };
  await note(work, { due: false, ...runLog });
}

/** FINISHED, FAILED, KILLED when a signal ended it, RUNNING before an end or when it goes on. */
export function statusThere({ status, signal }: Pick<FoldedRun, "status" | "signal">): string {
  if (status === "SUCCESS") return "FINISHED";
  if (status === "FAIL") return signal === undefined ? "FAILED" : "KILLED";
  return "RUNNING";
}

/** "sent", or why the file is not there: a server need not keep artifacts itself. */
async function putRunLog(work: Work, folded: FoldedRun): Promise<string> {
  const path = artifactPath(stateOf(work).artifacts ?? "", "run-log.json");
  if (path === undefined)
    return `not sent: the server does not take artifacts itself (${stateOf(work).artifacts})`;
  const body = new TextEncoder().encode(folded.json());
  const timeoutMs = 60_000 + body.length / 1_000; // a megabyte a second at least
  const answer = await work.delivery.call({ method: "PUT", path, body, timeoutMs });
  if (answer.class === "ok") return "sent";
  const outcome = retryOf(answer, path);
  if (answer.class === "retry" || answer.class === "resync" || answer.class === "gone")
    throw new Stop(outcome);
  return `not sent: ${outcome.problem.message}`;
}

/** The path under which the server itself takes a file of a run; undefined when artifacts live elsewhere. */
export function artifactPath(root: string, file: string): string | undefined {
  const found = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*([^?#]*)/.exec(root)?.[1];
  if (found === undefined) return undefined;
  const parts = [...found.split("/").filter((part) => part !== ""), file];
  return `/api/2.0/mlflow-artifacts/artifacts/${parts.map(encodeURIComponent).join("/")}`;
}
