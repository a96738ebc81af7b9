import { openStore, type Series } from "runlog";
import { createChart } from "./chart.ts";
import { confusionTable } from "./confusion.ts";
import type { DigitsRun } from "./trainer.ts";

/** The curves and the confusion matrix of the run that is looked at. */

const shown = ["loss", "accuracy", "test_accuracy"] as const;

export interface Curves {
  /** Draws a run that is tracked here, as it goes on. */
  follow(run: DigitsRun): void;
  /** Draws a run of the store as it is. */
  look(run: string): Promise<void>;
}

export function createCurves(place: HTMLElement, matrix: HTMLElement): Curves {
  const charts = new Map(shown.map((key) => [key, createChart(key)]));
  place.append(...[...charts.values()].map(({ root }) => root));
  // The run that is looked at; a follower of another one stops drawing.
  let current: unknown;

  const drawMatrix = ({ step, value }: Series): void => {
    const last = value.length - 1;
    if (last >= 0) matrix.replaceChildren(...confusionTable(value[last] as number[][], step[last] as number));
  };
  const followKey = async (run: DigitsRun, key: string, draw: (series: Series) => void): Promise<void> => {
    for await (const series of run.live(key)) {
      if (current !== run) return;
      draw(series);
    }
  };

  return {
    follow(run) {
      current = run;
      matrix.replaceChildren();
      for (const [key, chart] of charts) void followKey(run, key, chart.draw);
      void followKey(run, "confusion", drawMatrix);
    },
    async look(run) {
      current = run;
      matrix.replaceChildren();
      const store = openStore();
      const rows = await store.rows(run);
      const seriesOf = (key: string): Series => {
        const own = rows.filter((row) => row.key === key && row.task === "main");
        return {
          step: Float64Array.from(own, (row) => row.step),
          time: Float64Array.from(own, (row) => row.time),
          value: own.map((row) => row.value),
        };
      };
      if (current !== run) return;
      for (const [key, chart] of charts) chart.draw(seriesOf(key));
      drawMatrix(seriesOf("confusion"));
    },
  };
}
