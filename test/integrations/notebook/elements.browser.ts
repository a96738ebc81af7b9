import { type LocalStore, memoryStore, openStore, type Run, startRun } from "runlog";
import { card, chart, type RunPicker, runPicker } from "runlog/notebook";
import { afterEach, describe, expect, it } from "vitest";

/** A worker has no elements. */
const page = globalThis.document !== undefined;
const shown: Element[] = [];

/** Puts an element into the page until the test is over. */
function show<E extends Element>(element: E): E {
  document.body.append(element);
  shown.push(element);
  return element;
}

function begin(runId?: string, store: LocalStore = memoryStore()): { store: LocalStore; run: Run } {
  const run = startRun({ store, syncTo: [], quiet: true, ...(runId !== undefined && { runId }) });
  return { store, run };
}

/** Waits until `read` gives what is wanted. */
async function becomes<T>(read: () => T, wanted: T): Promise<void> {
  const limit = Date.now() + 10_000;
  while (JSON.stringify(read()) !== JSON.stringify(wanted) && Date.now() < limit) await pause(20);
  expect(read()).toEqual(wanted);
}

/** Waits until the element says what is wanted. */
async function says(element: Element, wanted: string): Promise<void> {
  await becomes(() => element.textContent?.includes(wanted), true).catch(() =>
    expect(element.textContent).toContain(wanted),
  );
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

const labels = (element: Element): (string | null)[] =>
  [...element.querySelectorAll("svg")].map((each) => each.getAttribute("aria-label"));

afterEach(() => {
  for (const element of shown.splice(0)) element.remove();
});

describe.skipIf(!page)("chart", () => {
  it("draws a panel for each metric and follows the run to its end", async () => {
    const { run } = begin();
    const element = show(chart(run));
    await becomes(() => element.textContent, "no metric tracked yet");
    run.track({ loss: 4, note: "no metric" }, { step: 1 });
    run.track({ loss: 2, accuracy: Number.NaN }, { step: 2 });
    await run.task("evaluate", (task) => task.track({ loss: 1 }));
    const last = [
      "loss: 2 points, last 2",
      "accuracy: 1 points, last NaN",
      "evaluate/loss: 1 points, last 1",
    ];
    await becomes(() => labels(element), last);
    run.track({ loss: 1e-7 }, { step: 3 });
    await run.finish();
    await becomes(() => labels(element)[0], "loss: 3 points, last 1e-7");
    const [loss, accuracy] = [...element.querySelectorAll("div > svg")];
    expect(loss?.querySelector(".runlog-line")?.getAttribute("d")?.split("L")).toHaveLength(3);
    // Nothing finite to draw.
    expect(accuracy?.querySelector(".runlog-line")).toBeNull();
  });

  it("draws the named metrics only, by the colours of the page", async () => {
    const { run } = begin();
    run.track({ loss: 1, accuracy: 2, other: 3 });
    const element = show(chart(run, ["loss", "accuracy"], { width: 200, height: 100 }));
    await becomes(() => labels(element).length, 2);
    expect(element.querySelector("text")?.getAttribute("fill")).toBe("currentColor");
    expect(element.querySelector("svg")?.getAttribute("viewBox")).toBe("0 0 200 100");
    await becomes(() => labels(show(chart(run, "loss"))).length, 0);
  });

  it("shows what a run holds as text, never as markup", async () => {
    const { run } = begin();
    run.track({ "<img src=x onerror=alert(1)>": 1 });
    const element = show(chart(run));
    await says(element, "<img src=x onerror=alert(1)>");
    expect(element.querySelector("img")).toBeNull();
  });

  it("breaks the line at what is not finite, and draws 100,000 points within its width", async () => {
    const { run } = begin();
    for (const [step, loss] of [1, 2, Number.POSITIVE_INFINITY, 3].entries()) run.track({ loss }, { step });
    for (let step = 0; step < 100_000; step++)
      run.track({ many: step === 70_000 ? 50 : Math.sin(step) }, { step });
    const element = show(chart(run, undefined, { width: 400 }));
    await becomes(() => labels(element)[1]?.slice(0, 19), "many: 100000 points");
    const [loss, many] = [...element.querySelectorAll(".runlog-line")].map(
      (each) => each.getAttribute("d") ?? "",
    );
    expect(loss?.match(/M/g)).toHaveLength(2);
    expect(many?.split("L").length).toBeLessThan(4 * 400);
    // The one spike touches the top.
    expect(many).toMatch(/L[\d.]+,8L/);
  });

  it.each(["removed", "invalidated", "aborted"])("stops when it is %s", async (way) => {
    const { run } = begin();
    run.track({ loss: 1 }, { step: 0 });
    const cell = Promise.withResolvers<void>();
    const abort = new AbortController();
    const element = show(chart(run, "loss", { invalidation: cell.promise, signal: abort.signal }));
    await becomes(() => labels(element), ["loss: 1 points, last 1"]);
    if (way === "removed") element.remove();
    if (way === "invalidated") cell.resolve();
    if (way === "aborted") abort.abort();
    await pause(0);
    const other = show(chart(run, "loss"));
    run.track({ loss: 2 }, { step: 1 });
    await becomes(() => labels(other), ["loss: 2 points, last 2"]);
    await pause(300);
    expect(labels(element)).toEqual(["loss: 1 points, last 1"]);
  });

  it("says so when its run is deleted elsewhere, and draws a kept run", async () => {
    const { run, store } = begin();
    run.track({ loss: 3 });
    await run.flush();
    const element = show(chart({ id: run.id, store }));
    await becomes(() => labels(element), ["loss: 1 points, last 3"]);
    await openStore(store).delete(run.id);
    await says(element, `there is no run '${run.id}'`);
  });
});

describe.skipIf(!page)("card", () => {
  it("shows id, status, last metrics and where it is kept", async () => {
    const { run } = begin();
    const element = show(card(run));
    run.track({ loss: 0.25, accuracy: 0.9 });
    await says(element, "loss 0.25 · accuracy 0.9");
    expect(element.textContent).toContain(`${run.id} PROCESSING`);
    expect(element.textContent).toContain("2 observations, kept in");
    await run.finish();
    await says(element, `${run.id} SUCCESS`);
  });

  it("shows for each destination how it stands and what to do", async () => {
    const { runLogStore } = await import("runlog");
    const run = startRun({ store: memoryStore(), syncTo: [runLogStore("nowhere")], quiet: true });
    run.track({ loss: 1 });
    const element = show(card(run));
    await says(element, "What to do: ");
    const [destination] = Object.values(run.report().destinations);
    expect(element.textContent).toContain(
      `${destination?.problem?.message}. What to do: ${destination?.problem?.action}`,
    );
    expect(element.textContent).toMatch(/1 pending/);
  });
});

describe.skipIf(!page)("runPicker", () => {
  const ids = (element: RunPicker): string[] =>
    [...element.querySelectorAll("option")].map(({ value }) => value);

  it("has the first run as its value, tells choices as input events and keeps up with the store", async () => {
    const store = memoryStore();
    const element = show(runPicker(store));
    const told: (string | undefined)[] = [];
    element.addEventListener("input", () => void told.push(element.value));
    await says(element, "no runs yet");
    expect(element.value).toBeUndefined();
    const first = begin("first", store).run;
    await first.flush();
    await becomes(() => told, ["first"]);
    await begin("second", store).run.flush();
    await becomes(() => ids(element).toSorted(), ["first", "second"]);
    expect(element.value).toBe("first");
    const select = element.querySelector("select") as HTMLSelectElement;
    select.value = "second";
    select.dispatchEvent(new Event("input", { bubbles: true }));
    expect(told).toEqual(["first", "second"]);
    await openStore(store).delete("second");
    await becomes(() => told, ["first", "second", "first"]);
  });

  it("lists what a query asks for, says what is wrong with one, and takes a value", async () => {
    const store = memoryStore();
    for (const id of ["a", "b", "c"]) {
      const { run } = begin(id, store);
      run.track({ loss: id.charCodeAt(0) });
      await run.finish();
    }
    const element = show(runPicker(store, { sort: "-last.loss", limit: 2 }));
    element.value = "b";
    await becomes(() => ids(element), ["c", "b"]);
    expect(element.value).toBe("b");
    const wrong = show(runPicker(store, { where: { nothing: 1 } }));
    await says(wrong, "nothing");
  });
});
