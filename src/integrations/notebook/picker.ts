import { openStore, type RunQuery, type RunSummary, type Store } from "runlog";
import { type FollowOptions, follow } from "./follow.ts";
import { html, saidBy } from "./web-elements.ts";

/** A list of runs to choose from; for `view(…)` and `viewof`. Dispatches `input` when its value changes. */
export interface RunPicker extends HTMLElement {
  /** The chosen run's id; undefined while there is no run. An id that is set before its run is there waits for it. */
  value: string | undefined;
}

/**
 * Lists the runs of a store, newest first, and keeps the list up to date. The first run is chosen until another is;
 * a run that is deleted is left for the first.
 *
 *     const picked = view(runPicker(store, { tag: "digits" }));
 *     display(chart({ id: picked, store }));
 *
 * @param store this host's default store when absent
 * @param query which runs, as for `store.runs`; 100 of them unless it has a limit
 */
export function runPicker(
  store: Store = openStore(),
  query: RunQuery = {},
  options: FollowOptions = {},
): RunPicker {
  const select = html("select", { "aria-label": "run", style: "max-width:100%;font:inherit" });
  const note = html("span", { style: "opacity:.7" });
  const root = html(
    "span",
    { class: "runlog-picker", style: "font:13px system-ui,sans-serif" },
    select,
    " ",
    note,
  );
  let wanted: string | undefined;
  let told: string | undefined;

  /** Says so when the choice is another one than was told last. */
  const tell = (): void => {
    const value = select.value === "" ? undefined : select.value;
    if (value === told) return;
    told = value;
    root.dispatchEvent(new Event("input", { bubbles: true }));
  };
  select.addEventListener("input", (event) => {
    event.stopPropagation();
    wanted = select.value;
    tell();
  });
  Object.defineProperty(root, "value", {
    get: () => told,
    set(id: string | undefined) {
      wanted = id;
      if ([...select.options].some((option) => option.value === id)) told = select.value = id as string;
    },
  });

  const look = async (): Promise<boolean> => {
    try {
      const runs: RunSummary[] = [];
      for await (const run of store.runs({ limit: 100, ...query })) runs.push(run);
      const options = runs.map((run) => html("option", { value: run.run }, describe(run)));
      const chosen =
        runs.find(({ run }) => run === wanted) ?? runs.find(({ run }) => run === told) ?? runs[0];
      select.replaceChildren(...options);
      select.disabled = runs.length === 0;
      if (chosen !== undefined) select.value = chosen.run;
      note.textContent = runs.length === 0 ? "no runs yet" : "";
      tell();
    } catch (error) {
      note.textContent = saidBy(error);
    }
    return false;
  };
  follow(root, look, async (signal) => store.watch(undefined, signal), options);
  return root as HTMLElement as RunPicker;
}

function describe({ run, tag, status, started }: RunSummary): string {
  const when = new Date(started).toLocaleString(undefined, { dateStyle: "short", timeStyle: "short" });
  return [run, tag, status, when].filter((part) => part !== undefined).join(" · ");
}
