/** What the page of `page.test.ts` does: a run to the MLflow server named in its address. */
import { type Run, startRun } from "runlog";
import { mlflow } from "runlog/mlflow";

const url = new URL(location.href).searchParams.get("mlflow") ?? "";
const run: Run = startRun({ tag: "from a page", syncTo: [mlflow(url)] }) as Run;
for (let step = 0; step < 100; step++) run.track({ loss: 1 / (step + 1) }, { step });
Object.assign(globalThis, { run });
