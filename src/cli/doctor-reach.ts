import type { Call } from "../http/answer.ts";
import { createCaller } from "../http/caller.ts";
import { wrongServer } from "../http/problems.ts";
import type { Destination, Problem } from "../sync/destination.ts";

/** A question of each kind that needs credentials where there are any, changes nothing, and has a shape of its own. */
const questions: Readonly<
  Record<string, { readonly call: Call; readonly answers: (json: object) => boolean }>
> = {
  runlog: {
    call: { method: "GET", path: "/v1/runs?limit=1" },
    answers: (json) => "runs" in json && Array.isArray(json.runs),
  },
  mlflow: {
    call: { method: "POST", path: "/api/2.0/mlflow/experiments/search", body: '{"max_results":1}' },
    // A server without experiments leaves the list out.
    answers: (json) =>
      "experiments" in json ? Array.isArray(json.experiments) : Object.keys(json).length === 0,
  },
};

const mostMillis = 10_000;

/** Asks a destination a real question. @returns why it cannot be used; undefined when it answers as it should */
export async function reach(destination: Destination): Promise<Problem | undefined> {
  const question = questions[destination.kind];
  if (question === undefined) return undefined;
  const { call, answers } = question;
  const { problem, json } = await createCaller(destination)({ ...call, timeoutMs: mostMillis });
  if (problem !== undefined) return problem;
  if (typeof json === "object" && json !== null && answers(json)) return undefined;
  const what = `${call.method} ${destination.url}${call.path}`;
  return wrongServer({ what, destination }, "JSON of another program");
}
