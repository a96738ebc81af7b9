import { type Destination, runLogStore } from "runlog";
import { mlflow } from "runlog/mlflow";
import { readDigits } from "../digits/data.ts";
import { defaults, type Parameters } from "../digits/model.ts";
import { createCurves } from "./curves.ts";
import { byId } from "./dom.ts";
import { createRunList } from "./runs.ts";
import { createTrainer } from "./trainer.ts";

/** The page: wires the form, the trainer, the curves and the list of runs. */

/** What the server of this page says about its surroundings. */
interface Surroundings {
  readonly runLogServer: string;
  readonly mlflow: string | null;
}

const names = ["epochs", "lr", "hidden", "seed"] as const;

async function main(): Promise<void> {
  const [digits, surroundings] = await Promise.all([loadDigits(), loadSurroundings()]);
  const syncTo = destinationsOf(surroundings);
  const state = byId("state");
  const form = byId<HTMLFormElement>("start");
  const curves = createCurves(byId("curves"), byId("confusion"));
  const list = createRunList(byId("runs"), syncTo, (run) => void guarded(state, () => curves.look(run)));
  const trainer = createTrainer({
    digits,
    syncTo,
    began(run, word) {
      state.textContent = word;
      curves.follow(run);
      list.active(run);
    },
    ended(_, word) {
      state.textContent = word;
    },
  });

  fillIn(form);
  const training = async (body: () => Promise<void>): Promise<void> => {
    setBusy(form, true);
    await guarded(state, body);
    setBusy(form, false);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void training(() => trainer.start(parametersIn(form)));
  });
  void guarded(state, () => list.watch());
  await training(() => trainer.resume());
}

async function loadDigits(): Promise<ReturnType<typeof readDigits>> {
  return readDigits(await (await get("digits.txt")).text());
}

async function loadSurroundings(): Promise<Surroundings> {
  return (await (await get("surroundings.json")).json()) as Surroundings;
}

async function get(path: string): Promise<Response> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`the page's server answered ${response.status} to ${path}`);
  return response;
}

function destinationsOf({ runLogServer, mlflow: tracker }: Surroundings): Destination[] {
  return [runLogStore(runLogServer), ...(tracker === null ? [] : [mlflow(tracker)])];
}

function fillIn(form: HTMLFormElement): void {
  for (const name of names) inputOf(form, name).value = String(defaults[name]);
}

function parametersIn(form: HTMLFormElement): Parameters {
  const given = names.map((name) => [name, inputOf(form, name).valueAsNumber]);
  return { ...defaults, ...Object.fromEntries(given) };
}

function inputOf(form: HTMLFormElement, name: string): HTMLInputElement {
  return form.elements.namedItem(name) as HTMLInputElement;
}

function setBusy(form: HTMLFormElement, busy: boolean): void {
  for (const control of form.elements) (control as HTMLInputElement).disabled = busy;
}

/** Shows what went wrong instead of losing it. */
async function guarded(state: HTMLElement, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    state.textContent = error instanceof Error ? error.message : String(error);
  }
}

void guarded(byId("state"), main);
