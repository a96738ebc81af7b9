import { mainTask } from "../../model/observation.ts";
import type { Column } from "../../read/columns.ts";
import type { RunState } from "../../read/state.ts";

/**
 * The rows of a W&B history. `_step` there is never negative and grows from row to row. Where the steps of the run do
 * so too, each is a row with everything tracked at it, in every task. Where one is negative, or a key comes twice at a
 * step, nothing is dropped: rows follow in the order of time, `_step` counts them, and the step is a value of the row.
 */

/** A key of a task. */
export interface Source {
  readonly task: string;
  readonly key: string;
  readonly column: Column;
}

/** One observation: a row of a source's column. */
export interface Cell {
  /** Index into the history's sources. */
  readonly source: number;
  readonly row: number;
  readonly step: number;
  /** Milliseconds since 1970. */
  readonly time: number;
}

export interface HistoryRow {
  readonly step: number;
  /** The latest time of its cells. */
  time: number;
  readonly cells: Cell[];
}

export interface History {
  readonly sources: readonly Source[];
  readonly rows: readonly HistoryRow[];
  /** True where `_step` counts the rows. */
  readonly counted: boolean;
}

/** Every observation that stands, in rows. */
export function historyOf(state: RunState): History {
  const sources = [...state.tasks.values()].flatMap(({ name: task, columns }) =>
    Array.from(columns, ([key, column]): Source => ({ task, key, column })),
  );
  const cells = sources.flatMap(({ column }, source) =>
    column.step.map((step, row): Cell => ({ source, row, step, time: column.time[row] as number })),
  );
  const bySteps = rowsOf(cells.sort((a, b) => a.step - b.step || a.time - b.time));
  if (grow(bySteps)) return { sources, rows: bySteps, counted: false };
  const byTimes = rowsOf(cells.sort((a, b) => a.time - b.time || a.step - b.step));
  return { sources, rows: byTimes, counted: true };
}

/** How a source is called where a run has no tasks. */
export function nameOf({ task, key }: Source): string {
  return task === mainTask ? key : `${task}/${key}`;
}

/** Cells that follow each other share a row until another step comes, or the same key again. */
function rowsOf(cells: readonly Cell[]): HistoryRow[] {
  const rows: HistoryRow[] = [];
  const lastRowOf = new Map<number, HistoryRow>();
  for (const cell of cells) {
    let row = rows.at(-1);
    if (row === undefined || row.step !== cell.step || lastRowOf.get(cell.source) === row) {
      row = { step: cell.step, time: cell.time, cells: [] };
      rows.push(row);
    }
    row.cells.push(cell);
    row.time = Math.max(row.time, cell.time);
    lastRowOf.set(cell.source, row);
  }
  return rows;
}

function grow(rows: readonly HistoryRow[]): boolean {
  return rows.every(({ step }, index) => step > (rows[index - 1]?.step ?? -1));
}
