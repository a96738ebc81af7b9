/**
 * Trains the digits classifier and tracks it, in Node:
 *
 *     node playground/train.ts [--epochs 12] [--lr 0.1] [--hidden 32] [--batch 32] [--seed 1]
 *
 * The run is kept in `.run_log_store` and goes to what `RUNLOG_SERVER` and `MLFLOW_TRACKING_URI` name, if anything.
 */
import { parseArgs } from "node:util";
import { type RunReport, trackRun } from "runlog";
import { loadDigits } from "./digits/load.ts";
import { defaults, type Parameters } from "./digits/model.ts";
import { metrics, tag, trackTraining } from "./digits/tracked.ts";

/** The defaults, save what the command line says otherwise. */
function readParameters(): Parameters {
  const names = Object.keys(defaults) as (keyof Parameters)[];
  const { values } = parseArgs({
    options: Object.fromEntries(names.map((name) => [name, { type: "string" }])),
  });
  const given = names
    .filter((name) => values[name] !== undefined)
    .map((name) => [name, positive(name, values[name])]);
  return { ...defaults, ...Object.fromEntries(given) };
}

function positive(name: string, text: unknown): number {
  const value = Number(text);
  const whole = name === "lr" || Number.isInteger(value);
  if (!(value > 0) || !whole)
    throw new Error(`--${name} must be a positive ${name === "lr" ? "" : "whole "}number`);
  return value;
}

function describe(report: RunReport): string[] {
  const places = Object.values(report.destinations).map(
    ({ url, delivered, pending, link }) => `  ${link ?? url}: ${delivered} delivered, ${pending} pending`,
  );
  return [`run ${report.run}: ${report.tracked} observations in ${report.location}`, ...places];
}

async function main(parameters: Parameters): Promise<void> {
  const digits = loadDigits();
  const { trained, run } = await trackRun({ tag, metrics, parameters: { ...parameters } }, async (run) => ({
    trained: await trackTraining(run, digits, parameters),
    run,
  }));
  console.log(`${trained.steps} steps, test accuracy ${(trained.accuracy * 100).toFixed(1)} %`);
  for (const line of describe(run.report())) console.log(line);
}

try {
  await main(readParameters());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
