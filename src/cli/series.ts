import { numberToJson } from "../model/rich.ts";
import { type Series, seriesOf } from "../read/series.ts";
import { argument, type Command, flag, type Input, textOf, UsageError } from "./command.ts";
import { jsonText } from "./json.ts";
import { type Line, printLines, short, table } from "./output.ts";
import { follow, type Point, pointsOf } from "./series-follow.ts";
import { readRun, withStore } from "./store.ts";

/** `runlog series`: one key's observations. */
export const series: Command = {
  usage: "series RUN KEY [--task NAME] [--json|--csv] [--follow]",
  summary:
    "print every observation of a key: step, time, value; with --follow also new ones, until the run ends",
  options: {
    task: { type: "string" },
    json: { type: "boolean" },
    csv: { type: "boolean" },
    follow: { type: "boolean" },
  },
  positionals: [2, 2],
  async run(input) {
    const [json, csv] = [flag(input, "json"), flag(input, "csv")];
    if (json && csv) throw new UsageError("say --json or --csv, not both");
    const [run, key, task] = [argument(input, 0), argument(input, 1), textOf(input, "task")];
    if (flag(input, "follow")) return await following(input, run, key, task);
    const found = seriesOf(await readRun(input.store, run), key, task);
    await printLines(json ? asJson(found) : csv ? asCsv(found) : asTable(found));
    return 0;
  },
};

/** @returns 130 when it was interrupted, as a shell would say */
async function following(input: Input, run: string, key: string, task: string | undefined): Promise<number> {
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once("SIGINT", interrupt);
  // Waiting for changes holds no process open; somebody reading them does.
  const alive = setInterval(() => undefined, 60_000);
  try {
    await withStore(input.store, async (store) => {
      const points = follow(store, run, key, task, stop.signal);
      await printLines(followed(points, flag(input, "json"), flag(input, "csv")));
    });
  } finally {
    clearInterval(alive);
    process.off("SIGINT", interrupt);
  }
  return stop.signal.aborted ? 130 : 0;
}

/** A line each: of the CSV, of JSON Lines `{"step":…,"time":…,"value":…}`, or of words apart by two spaces. */
async function* followed(points: AsyncIterable<Point>, json: boolean, csv: boolean): AsyncGenerator<string> {
  if (csv) yield csvHeading;
  for await (const point of points) {
    const [step, time, value] = point;
    if (json) yield jsonText({ step, time, value }, 0);
    else if (csv) yield* csvLines(point);
    else yield cells(point).join("  ");
  }
}

/** `{"step":[…],"time":[…],"value":[…]}`, as the server gives it. Times are milliseconds since 1970. */
function* asJson({ step, time, value }: Series): Generator<string> {
  const list = (items: Iterable<unknown>): unknown[] => Array.from(items);
  yield jsonText({ step: list(step), time: list(time), value: list(value) }, 0);
}

const csvHeading = "step,time,value";

function* asCsv(found: Series): Generator<string> {
  yield csvHeading;
  for (const point of pointsOf(found)) yield* csvLines(point);
}

/** More than one where a text holds line ends. */
function csvLines([step, time, value]: Point): string[] {
  return `${step},${time},${csvField(plainText(value))}`.split("\n");
}

function asTable(found: Series): Line[] {
  return table(["step", "time (UTC)", "value"], Array.from(pointsOf(found), cells));
}

function cells([step, time, value]: Point): string[] {
  return [
    String(step),
    new Date(time).toISOString(),
    typeof value === "number" ? short(value) : plainText(value),
  ];
}

function plainText(value: unknown): string {
  if (typeof value === "number") return String(numberToJson(value));
  return typeof value === "string" ? value : jsonText(value, 0);
}

/** RFC 4180. */
function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
