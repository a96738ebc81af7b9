import { messageOf } from "../errors.ts";
import { mainTask } from "../model/observation.ts";
import type { FinishRecord, Status, TaskRecord } from "../model/records.ts";
import { nameOfPath } from "../model/task-path.ts";
import { foldSegments } from "../read/fold.ts";
import type { Carried } from "../sync/courier.ts";
import type { Deliveries } from "./deliveries.ts";
import { parameterVariable, readTracked, trackVariables, watchParameters } from "./environment.ts";
import type { Lease } from "./lease.ts";
import { closeSilent } from "./liveness.ts";
import { allSegments, type Opening } from "./opening.ts";
import { storedValue } from "./options.ts";
import type { Platform, Watched } from "./platform.ts";
import type { Recorder } from "./recorder.ts";
import { pendingLines, type RunReport, storageProblem } from "./report.ts";
import type { Tracker } from "./tracker.ts";
import type { Opened, Writer } from "./writer.ts";

/** The parts of one writer's run, wired by `run.ts`. */
export interface CoreParts {
  readonly platform: Platform;
  readonly uid: string;
  /** Whether this store is the one of the run's first writer. */
  readonly owner: boolean;
  /** Observations of the run that were here before this writer. */
  readonly before: number;
  /** Observations that a `rewindTo` took back. */
  readonly superseded: number;
  readonly recorder: Recorder;
  readonly tracker: Tracker;
  readonly writer: Writer;
  readonly writerId: string;
  readonly opening: Opening;
  readonly deliveries: Deliveries;
  readonly lease: Lease;
  /** Whether the store was opened for this run alone, and its handles end with it. */
  readonly ownStore: boolean;
  readonly quiet: boolean;
  /** `finish` was called. */
  readonly ended: () => void;
}

/** What `Run` and `Task` do, without their faces. */
export interface RunCore extends CoreParts {
  readonly finished: boolean;
  record(record: object): void;
  /** Call after recording: makes sure that it will be written. */
  recorded(): void;
  /** Notes a start or end of the task, or branch, at `path`. */
  taskRecord(
    path: readonly string[],
    attempt: number,
    status: Status,
    more?: Pick<TaskRecord, "message" | "kind">,
  ): void;
  /** Tracks and removes `MAGNUS_TRACK_*` of the process, into `task`. */
  trackEnvironment(task: string, attempt: number): void;
  flushQuietly(): Promise<void>;
  /** A full storage is in the report; nobody has to hear of it twice. */
  ignoreFullStorage(error: unknown): void;
  finish(
    status: "SUCCESS" | "FAIL" | undefined,
    why: Pick<FinishRecord, "message" | "signal"> | undefined,
    timeout: number,
    /** Whether other writers of the run that hold no lock are closed with it. @default true */
    closes?: boolean,
  ): Promise<RunReport>;
  /** Ends nothing: another writer goes on with the run, and this one keeps nothing more. */
  leave(): void;
  /** False once it left: what is tracked then is counted as late. */
  admits(count: number): boolean;
  report(): RunReport;
  /** For the platform's lifecycle. */
  readonly watched: Watched;
}

/** A run of more observations is not read again only to draw its end. */
const mostShown = 1_000_000;

export function createCore(parts: CoreParts): RunCore {
  const { platform, recorder, tracker, writer, opening, deliveries } = parts;
  const failedTasks = new Set<string>();
  const environment: string[] = [];
  let ending: "SUCCESS" | "FAIL" | undefined;
  let finishing: Promise<RunReport> | undefined;
  let fullError: unknown;
  let left = false;
  let late = 0;

  const record = (content: object, task?: string): void => {
    recorder.record(content, task);
    core.recorded();
  };

  const newParameters = watchParameters(platform.variables);

  const trackEnvironment = (task: string, attempt: number): void => {
    const { variables } = platform;
    if (variables === undefined) return;
    for (const [name, value] of newParameters()) {
      try {
        record({ type: "parameter", name, ...storedValue(name, value), time: Date.now() });
      } catch (error) {
        environment.push(`${parameterVariable(name)}: ${messageOf(error)}`);
      }
    }
    const track = (values: Readonly<Record<string, unknown>>, step: number): void =>
      tracker.track(task, attempt, values, { step });
    environment.push(...trackVariables(readTracked(variables), track, (name) => delete variables[name]));
  };

  const end = (
    status: "SUCCESS" | "FAIL" | undefined,
    why: Pick<FinishRecord, "message" | "signal">,
  ): void => {
    trackEnvironment(mainTask, 1);
    ending = status ?? (failedTasks.size > 0 ? "FAIL" : "SUCCESS");
    record({ type: "finish", status: ending, time: Date.now(), ...why });
  };

  const flushQuietly = async (): Promise<void> => {
    await writer.flush().catch(core.ignoreFullStorage);
  };

  /**
   * The end of the run and what comes after it is not left to a timer, which a process would not wait for. The run is
   * watched over until that is durable: `finish()` may be followed by `process.exit()`.
   */
  let saving = false;
  const saveEnd = async (): Promise<void> => {
    if (saving) return;
    saving = true;
    const unwatch = platform.watch(core.watched);
    do await flushQuietly();
    while (!recorder.empty && writer.problem === undefined);
    unwatch();
    saving = false;
  };

  const saveNow = (): void => {
    try {
      writer.flushSync();
    } catch (error) {
      // Thrown in an exit hook it would change the exit code of the program.
      if (!parts.quiet)
        platform.warn(`runlog could not save the end of run '${opening.run}': ${messageOf(error)}`);
    }
  };

  /** Another writer of this run that died is closed now, so that the run ends with this one. */
  const closeOthers = async (): Promise<void> => {
    const { store } = await opening.opened;
    await closeSilent(store, opening.run, Date.now()).catch((error: unknown) => {
      platform.warn(`runlog could not close the dead writers of '${opening.run}': ${messageOf(error)}`);
    });
  };

  const showEnd = async (report: RunReport): Promise<void> => {
    const command = platform.syncCommand(report.location);
    if (platform.showEnd === undefined) {
      for (const line of pendingLines(report, command)) platform.warn(line);
      return;
    }
    const { store, run } = await opening.opened;
    const many = parts.before + tracker.tracked > mostShown;
    platform.showEnd(report, many ? undefined : foldSegments(await allSegments(store, run)), command);
  };

  const core: RunCore = {
    ...parts,
    get finished() {
      return ending !== undefined;
    },
    record,
    recorded() {
      writer.touch();
      if (ending !== undefined) void saveEnd();
    },
    trackEnvironment,
    flushQuietly,
    taskRecord(path, attempt, status, more = {}) {
      const task = nameOfPath(path);
      if (status === "FAIL") failedTasks.add(task);
      else failedTasks.delete(task);
      const nested = path.length > 1 && { path };
      record({ type: "task", task, ...nested, attempt, status, time: Date.now(), ...more }, task);
    },
    ignoreFullStorage(error) {
      fullError = error;
    },
    finish(status, why, timeout, closes = true) {
      if (left) return Promise.resolve(core.report());
      finishing ??= (async () => {
        end(status, why ?? {});
        parts.ended();
        await flushQuietly();
        if (closes) await closeOthers();
        parts.lease.release();
        await deliveries.drain(timeout);
        const report = core.report();
        deliveries.retire();
        // It opens again for whatever still comes: late observations, a destination that is back.
        if (parts.ownStore) await opening.opened.then(({ store }) => store.close());
        if (!parts.quiet) await showEnd(report);
        return report;
      })();
      return finishing;
    },
    leave() {
      left = true;
      ending = "SUCCESS";
      parts.ended();
    },
    admits(count) {
      if (left) late += count;
      return !left;
    },
    report() {
      const trouble = writer.problem ?? (fullError === undefined ? undefined : messageOf(fullError));
      const { storage } = writer;
      const problem = trouble === undefined ? opening.problem : storageProblem(storage, trouble);
      return {
        run: opening.run,
        uid: parts.uid,
        status: ending ?? "PROCESSING",
        tracked: tracker.tracked,
        refused: writer.refused,
        late,
        invalid: tracker.invalid,
        ...(tracker.lastInvalid !== undefined && { lastInvalid: tracker.lastInvalid }),
        storage,
        location: writer.location,
        ...(opening.renamedFrom !== undefined && { renamedFrom: opening.renamedFrom }),
        ...(problem !== undefined && { problem }),
        environment: [...environment],
        destinations: deliveries.report(opening.run, parts.before + tracker.tracked, parts.superseded, {
          writer: parts.writerId,
          next: writer.next,
        }),
      };
    },
    watched: {
      flush: () => void flushQuietly(),
      save: () => saveNow(),
      online: () => deliveries.retry(),
      finish: () => core.finish(undefined, undefined, 10_000),
      end(status, why) {
        if (ending === undefined) end(status === "SUCCESS" && failedTasks.size > 0 ? "FAIL" : status, why);
        saveNow();
      },
    },
  };

  platform.watch(core.watched);
  const carry = ({ store, run }: Opened): void => {
    const carried: Carried = { run, uid: parts.uid, owner: parts.owner };
    deliveries.begin(store, carried);
  };
  // Why a store did not open is the writer's to tell.
  opening.opened.then(carry, () => undefined);
  return core;
}
