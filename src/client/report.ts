import type { Problem } from "../sync/destination.ts";
import type { DestinationReport } from "./deliveries.ts";
import type { Storage } from "./writer.ts";

/** How a run stands; plain data, a new object each time. */
export interface RunReport {
  readonly run: string;
  readonly uid: string;
  /** PROCESSING until this writer's `finish`. */
  readonly status: "PROCESSING" | "SUCCESS" | "FAIL";
  /** Observations tracked by this writer. */
  readonly tracked: number;
  /** Observations that could not be kept: storage was full and 64 MiB waited in memory. */
  readonly refused: number;
  /** Observations tracked after the next cell of this page had taken the run over; they are not kept. */
  readonly late: number;
  /** Bad keys or values that `onInvalid: "report"` left out, and the last one's message. */
  readonly invalid: number;
  readonly lastInvalid?: string;
  /** `full`: storage refuses, observations wait in memory. */
  readonly storage: Storage;
  /** Where it is kept: a folder, a database, "memory". */
  readonly location: string;
  /** The id that was asked for, when it was taken. */
  readonly renamedFrom?: string;
  /**
   * What is wrong on this machine: `storage_memory`, `storage_full`, or `storage_evicted` in the first run after the
   * browser or somebody removed this site's earlier ones.
   */
  readonly problem?: Problem;
  /** `MAGNUS_TRACK_*` variables that could not be tracked. */
  readonly environment: readonly string[];
  /** By URL. */
  readonly destinations: Readonly<Record<string, DestinationReport>>;
}

/** What a person does about storage. */
export function storageProblem(storage: Storage, message: string): Problem {
  return storage === "full"
    ? {
        code: "storage_full",
        message,
        action: "free some space; what waits in memory is written as soon as there is room",
      }
    : {
        code: "storage_memory",
        message,
        action: "nothing survives this page or process: mend the storage, or sync before it ends",
      };
}

/** One line for each destination that has not everything, with the command that sends it. */
export function pendingLines(report: RunReport, command: string | undefined): string[] {
  if (command === undefined) return [];
  return Object.values(report.destinations)
    .filter((each) => each.state !== "done")
    .map((each) => {
      const why = each.problem === undefined ? "" : ` (${each.problem.message})`;
      return `${each.pending} observations of run '${report.run}' wait for ${each.url}${why}. To send them: ${command}`;
    });
}
