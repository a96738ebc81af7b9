/**
 * A page that tracks 100 steps to the run-log store named in its address and shows its card. `globalThis.page` is how a
 * test reads it and mends what a page's author would mend.
 */
import { type Run, type RunReport, resumeRun, runLogStore, startRun } from "runlog";
import { card } from "runlog/notebook";

export interface ObstaclePage {
  report(): RunReport;
  /** Delivers, as a button of the page would. */
  sync(): Promise<RunReport>;
  finish(): Promise<RunReport>;
  /** The card's text. */
  card(): string;
  /** The token from now on. */
  token(token: string): void;
  /** Continues the run here, to a server at another address. */
  moveTo(url: string): Promise<void>;
  /** Tracks a text of so many characters at the next step; gives where it is kept. */
  fill(characters: number): Promise<"disk" | "memory">;
}

const query = new URL(location.href).searchParams;
let token = query.get("token") ?? "";
const syncTo = (url: string): ReturnType<typeof runLogStore>[] => [runLogStore(url, { token: () => token })];
let run: Run = startRun({ runId: query.get("run") ?? "", syncTo: syncTo(query.get("server") ?? "") });
for (let step = 0; step < 100; step++) run.track({ loss: 1 / (step + 1) }, { step });
const shown = card(run);
document.body.append(shown);
let texts = 0;

const page: ObstaclePage = {
  report: () => run.report(),
  sync: () => run.sync({ timeout: 10_000 }),
  finish: () => run.finish(),
  card: () => shown.textContent,
  token(next) {
    token = next;
  },
  async moveTo(url) {
    run = await resumeRun({ runId: run.id, syncTo: syncTo(url) });
  },
  fill(characters) {
    run.track({ text: `${texts}`.padEnd(characters, "x") }, { step: texts });
    texts += 1;
    return run.flush();
  },
};
Object.assign(globalThis, { page });
