/** A page that joins a run of another host, writes to it, and hands over its segments once all is delivered. */
import { openStore, resumeRun, runLogStore } from "runlog";

const query = new URL(location.href).searchParams;
const asked = (name: string): string => query.get(name) ?? "";

const run = await resumeRun({
  runId: asked("run"),
  uid: asked("uid"),
  syncTo: [runLogStore(asked("server"))],
});
for (let step = 0; step < 300; step++) {
  run.track({ "loss-page": step, shared: step }, { step });
  await new Promise((resolve) => setTimeout(resolve, 5));
}
let report = await run.finish();
while (Object.values(report.destinations).some(({ state }) => state !== "done")) report = await run.sync();
const lines = await (await openStore().export(run.id)).text();
await fetch("/segments", { method: "POST", body: JSON.stringify(lines) });
