/** One ending of `scripts/ending.ts`. */
export interface Ending {
  readonly name: string;
  /** Sent once the script said that it is ready. */
  readonly sent?: NodeJS.Signals;
  readonly code?: number;
  readonly signal?: NodeJS.Signals;
  readonly status: "SUCCESS" | "FAIL";
  readonly message?: string;
  readonly tracked?: number;
}

/** Each is run with and without runlog. */
export const endings: readonly Ending[] = [
  { name: "finished", code: 0, status: "SUCCESS" },
  { name: "returned", code: 0, status: "SUCCESS", tracked: 1 },
  { name: "threw", code: 1, status: "FAIL", message: "out of eggs", tracked: 1 },
  { name: "early", code: 0, status: "SUCCESS" },
  { name: "error", code: 1, status: "FAIL", message: "no spam" },
  { name: "rejection", code: 1, status: "FAIL", message: "no luck" },
  { name: "timer", code: 1, status: "FAIL", message: "too late" },
  { name: "exit-0", code: 0, status: "SUCCESS" },
  { name: "exit-3", code: 3, status: "FAIL" },
  { name: "exit-later", code: 4, status: "FAIL" },
  { name: "exit-code-2", code: 2, status: "FAIL" },
  { name: "exit-in-finish", code: 0, status: "SUCCESS" },
  { name: "failed-task", code: 0, status: "FAIL" },
  { name: "caught-error", code: 0, status: "SUCCESS" },
  { name: "thousand-in-one-tick", code: 0, status: "SUCCESS", tracked: 1_000 },
  { name: "own-handler", sent: "SIGINT", code: 7, status: "FAIL", tracked: 11 },
  { name: "graceful", sent: "SIGTERM", code: 0, status: "SUCCESS", tracked: 11 },
  { name: "SIGINT", sent: "SIGINT", signal: "SIGINT", status: "FAIL", tracked: 11 },
  { name: "SIGTERM", sent: "SIGTERM", signal: "SIGTERM", status: "FAIL", tracked: 11 },
  { name: "SIGHUP", sent: "SIGHUP", signal: "SIGHUP", status: "FAIL", tracked: 11 },
];
