import { type Destination, openStore, type RunSummary } from "runlog";
import { tag } from "../digits/tracked.ts";
import { element, table } from "./dom.ts";
import { createStandings, type Standing } from "./standing.ts";
import type { DigitsRun } from "./trainer.ts";

/** The runs of this browser, newest first, and where each stands with its destinations. */

const refreshMillis = 1_000;
const deliverMillis = 5_000;
const most = 50;

export interface RunList {
  /** A run that is tracked in this page: its own report is the newest word. */
  active(run: DigitsRun): void;
  /** Keeps the list up to date, and delivers what earlier runs owe, while the page is open. */
  watch(): Promise<void>;
}

/** @param look called with the run that a person wants to see */
export function createRunList(
  place: HTMLElement,
  syncTo: readonly Destination[],
  look: (run: string) => void,
): RunList {
  const store = openStore();
  const standings = createStandings(store, syncTo);

  const list = async (): Promise<RunSummary[]> => {
    const found: RunSummary[] = [];
    for await (const summary of store.runs({ tag, limit: most })) found.push(summary);
    return found;
  };
  const refresh = async (): Promise<void> => {
    const rows = (await list()).map((summary) => row(summary, standings.of(summary), look));
    place.replaceChildren(rows.length === 0 ? none() : table(heading, rows, [3, 4]));
  };
  const deliver = async (): Promise<void> => {
    await standings.deliver((await list()).filter(({ status }) => status !== "PROCESSING"));
  };

  return {
    active: standings.active,
    async watch() {
      await Promise.all([each(refreshMillis, refresh), each(deliverMillis, deliver)]);
    },
  };
}

/** Calls `body` again and again, with a pause between. */
async function each(millis: number, body: () => Promise<void>): Promise<never> {
  for (;;) {
    await body();
    await new Promise((resolve) => setTimeout(resolve, millis));
  }
}

const heading = ["run", "started", "status", "steps", "test accuracy", "destinations"];

function none(): HTMLElement {
  return element("p", { class: "quiet" }, "None yet: press Train.");
}

function row(
  summary: RunSummary,
  standings: readonly Standing[],
  look: (run: string) => void,
): (Node | string)[] {
  const { run, started, status, metrics } = summary;
  const button = element("button", { type: "button", class: "run" }, run);
  button.addEventListener("click", () => look(run));
  const accuracy = metrics.test_accuracy?.last;
  return [
    button,
    new Date(started).toLocaleString(),
    element("span", { class: status }, status),
    String(metrics.loss?.lastStep ?? 0),
    accuracy === undefined ? "" : `${(accuracy * 100).toFixed(1)} %`,
    element("div", {}, ...standings.map(line)),
  ];
}

function line({ url, state, delivered, pending, setAside, problem }: Standing): HTMLElement {
  const aside = setAside > 0 ? `, ${setAside} set aside` : "";
  const there = state === "unknown" ? "" : `: ${delivered} there, ${pending} pending${aside}`;
  const word = state === "done" ? `all ${delivered} there` : `${state}${there}`;
  const made = element("div", {}, `${url} `, element("span", { class: "quiet" }, word));
  if (problem !== undefined) {
    const action = element("div", { class: "quiet" }, problem.action);
    made.append(element("div", { class: "wrong" }, problem.message), action);
  }
  return made;
}
