/** Elements for notebooks and plain pages: a live chart of a run, its card, and a list to choose runs from. */
export { card } from "./card.ts";
export { type ChartOptions, chart } from "./chart.ts";
export type { FollowOptions } from "./follow.ts";
export { type RunPicker, runPicker } from "./picker.ts";
export type { Kept, Shown } from "./source.ts";
