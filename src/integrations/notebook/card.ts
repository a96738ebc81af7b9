import type { DestinationReport, Problem, Run, RunReport, RunSummary } from "runlog";
import { type FollowOptions, follow } from "./follow.ts";
import { changesOf, lookAt } from "./source.ts";
import { type Child, html, saidBy, shortNumber } from "./web-elements.ts";

/** So many metrics at most; more are counted. */
const metricsShown = 8;

/**
 * A small card of a run: its id and status, the last value of each metric, where it is kept, and for each destination
 * how it stands, with what a person should do. It follows the run as `chart` does, and after its end until all is
 * delivered.
 */
export function card(run: Run, options: FollowOptions = {}): HTMLElement {
  const style =
    "display:inline-block;max-width:100%;box-sizing:border-box;padding:.5em .75em;border:1px solid;" +
    "border-radius:6px;font:13px/1.5 system-ui,sans-serif;overflow-wrap:anywhere";
  const root = html("div", { class: "runlog-card", style });
  const look = async (): Promise<boolean> => {
    let metrics = "";
    try {
      const { store, ended } = await lookAt(run);
      for await (const summary of store.runs({ where: { run: run.id } })) metrics = metricsOf(summary);
      const report = run.report();
      root.replaceChildren(...lines(report, metrics));
      return ended && Object.values(report.destinations).every(({ state }) => state === "done");
    } catch (error) {
      root.replaceChildren(...lines(run.report(), saidBy(error)));
      return false;
    }
  };
  follow(root, look, (signal) => changesOf(run, signal), options);
  return root;
}

function lines(report: RunReport, metrics: string): Element[] {
  const observations = `${report.tracked} ${report.tracked === 1 ? "observation" : "observations"}`;
  const refused = report.refused === 0 ? "" : `, ${report.refused} refused`;
  return [
    line(html("strong", {}, report.run), ` ${report.status}`),
    ...(metrics === "" ? [] : [line(metrics)]),
    line(`${observations}${refused}, kept ${place(report)}`),
    ...problemLines(report.problem),
    ...Object.values(report.destinations).flatMap(destinationLines),
  ];
}

function metricsOf({ metrics }: RunSummary): string {
  const named = Object.entries(metrics);
  const more = named.length > metricsShown ? ` and ${named.length - metricsShown} more` : "";
  const shown = named.slice(0, metricsShown).map(([name, { last }]) => `${name} ${shortNumber(last)}`);
  return shown.join(" · ") + more;
}

function place({ storage, location }: RunReport): string {
  if (storage === "disk") return `in ${location}`;
  return storage === "full" ? `in memory: ${location} is full` : "in memory only";
}

function destinationLines({
  kind,
  url,
  link,
  state,
  delivered,
  pending,
  setAside,
  problem,
}: DestinationReport): Element[] {
  const name = kind === "mlflow" ? `MLflow at ${url}` : url;
  const counts = [`${delivered} delivered`];
  if (pending > 0) counts.push(`${pending} pending`);
  if (setAside > 0) counts.push(`${setAside} set aside`);
  return [line(linked(name, link), ` ${state}, ${counts.join(", ")}`), ...problemLines(problem)];
}

function problemLines(problem: Problem | undefined): Element[] {
  return problem === undefined ? [] : [line(`${problem.message}. What to do: ${problem.action}`)];
}

/** A link only where it leads to a web page: the address comes from a server. */
function linked(text: string, link: string | undefined): Child {
  if (link === undefined || !/^https?:\/\//i.test(link)) return text;
  return html("a", { href: link, target: "_blank", rel: "noreferrer" }, text);
}

function line(...children: readonly Child[]): HTMLElement {
  return html("div", {}, ...children);
}
