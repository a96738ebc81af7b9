import { numberToJson } from "../model/rich.ts";
import { type Series, seriesOf } from "../read/series.ts";
import { argument, type Command, flag, textOf, UsageError } from "./command.ts";
import { jsonText } from "./json.ts";
import { printAll, short, table } from "./output.ts";
import { readRun } from "./store.ts";

/** `runlog series`: one key's observations. */
export const series: Command = {
  usage: "series RUN KEY [--task NAME] [--json|--csv]",
  summary: "print every observation of a key: step, time, value",
  options: { task: { type: "string" }, json: { type: "boolean" }, csv: { type: "boolean" } },
  positionals: [2, 2],
  async run(input) {
    const [json, csv] = [flag(input, "json"), flag(input, "csv")];
    if (json && csv) throw new UsageError("say --json or --csv, not both");
    const state = await readRun(input.store, argument(input, 0));
    const found = seriesOf(state, argument(input, 1), textOf(input, "task"));
    await printAll(json ? asJson(found) : csv ? asCsv(found) : asTable(found));
    return 0;
  },
};

/** `{"step":[…],"time":[…],"value":[…]}`, as the server gives it. Times are milliseconds since 1970. */
function* asJson({ step, time, value }: Series): Generator<string> {
  const list = (items: Iterable<unknown>): unknown[] => Array.from(items);
  yield `${jsonText({ step: list(step), time: list(time), value: list(value) }, 0)}\n`;
}

function* asCsv(found: Series): Generator<string> {
  yield "step,time,value\n";
  for (const [step, time, value] of rows(found)) yield `${step},${time},${csvField(plainText(value))}\n`;
}

function* asTable(found: Series): Generator<string> {
  const cells = Array.from(rows(found), ([step, time, value]) => [
    String(step),
    new Date(time).toISOString(),
    typeof value === "number" ? short(value) : plainText(value),
  ]);
  for (const line of table(["step", "time (UTC)", "value"], cells)) yield `${line}\n`;
}

function* rows({ step, time, value }: Series): Generator<[step: number, time: number, value: unknown]> {
  for (let row = 0; row < step.length; row++) yield [step[row] as number, time[row] as number, value[row]];
}

function plainText(value: unknown): string {
  if (typeof value === "number") return String(numberToJson(value));
  return typeof value === "string" ? value : jsonText(value, 0);
}

/** RFC 4180. */
function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
