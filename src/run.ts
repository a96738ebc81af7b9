import { codesOf } from "./client/code.ts";
import { createCore } from "./client/core.ts";
import { createDeliveries } from "./client/deliveries.ts";
import { takeKey } from "./client/key-lock.ts";
import { createLease } from "./client/lease.ts";
import { type LetGoOptions, type LettingGo, letGoWhen } from "./client/letting-go.ts";
import { closeDead, comeBack } from "./client/liveness.ts";
import { type OpenedStore, withReading } from "./client/open-store.ts";
import { openNew } from "./client/opening.ts";
import { checkResume, type ResumeOptions, type RunOptions } from "./client/options.ts";
import type { Platform } from "./client/platform.ts";
import { createRecorder } from "./client/recorder.ts";
import { openExisting, type Resumed } from "./client/resume.ts";
import { isRun, Run } from "./client/run.ts";
import { runStart } from "./client/run-start.ts";
import { createTracker, type TrackOptions } from "./client/tracker.ts";
import { createWriter } from "./client/writer.ts";
import { messageOf, ValidationError } from "./errors.ts";
import type { MetricModel } from "./model/metrics.ts";
import { checkRunId, makeRunId, toHex } from "./model/run-id.ts";
import { memoryStore } from "./stores/memory.ts";
import type { LocalStore, Store } from "./stores/store.ts";
import type { Destination } from "./sync/destination.ts";

/** The functions of the package, over what a platform offers. The only place where the parts meet. */
export interface Client {
  startRun<M extends MetricModel | undefined = undefined>(options?: RunOptions<M>): Run<M>;
  resumeRun<M extends MetricModel | undefined = undefined>(options: ResumeOptions<M>): Promise<Run<M>>;
  trackRun<T, M extends MetricModel | undefined = undefined>(
    options: RunOptions<M>,
    body: (run: Run<M>) => T | Promise<T>,
  ): Promise<T>;
  trackThis(values: Readonly<Record<string, unknown>>, options?: TrackOptions): void;
  openStore<S extends Store = LocalStore>(store?: S | string): S & OpenedStore & Persistent;
}

/** What a page can ask for. */
export interface Persistent {
  /** Asks the browser never to evict this origin's data; gives its answer. Always true in Node. */
  persist(): Promise<boolean>;
}

/** How often an open run looks for others of its store that died. */
const sweepMillis = 60_000;

/** So many new observations do not wait for company: what MLflow takes in one request. */
const fullBatch = 1_000;

interface RunParts<M extends MetricModel | undefined> extends Resumed {
  readonly options: RunOptions<M>;
  readonly destinations: readonly Destination[];
  readonly letGo: LetGoOptions;
}

export function createClient(platform: Platform): Client {
  const open = new Set<Run>();
  const lettingGo = new Map<Run, LettingGo>();
  const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));

  const storeOf = (given: LocalStore | string | undefined): LocalStore | undefined =>
    typeof given === "object" ? given : platform.openStore(given);

  /** Wires one writer of a run. */
  const begin = <M extends MetricModel | undefined>(parts: RunParts<M>): Run<M> => {
    const { options, opening } = parts;
    const warn = (message: string): void => (options.quiet === true ? undefined : platform.warn(message));
    const off = isOff(options);
    let poked = 0;
    const recorder = createRecorder();
    const writerId = toHex(random(6));
    const troubled = (error: unknown): void =>
      warn(`runlog could not look after its store: ${messageOf(error)}`);
    const heard = new Set<string>();
    const woke = async (): Promise<void> => {
      const { store, run: id } = await opening.opened;
      const back = await comeBack(store, id, writerId, heard);
      const again = opening.again(Date.now());
      // What others changed meanwhile is not said over again.
      if (back && again) core.record({ ...again, parameters: undefined, labels: undefined, ...back });
    };
    const lease = createLease(platform, () => void woke().catch(troubled));
    // Before anything is written: a writer without a lock is taken for dead.
    const held = opening.opened.then(async (opened) => {
      await lease.hold(opened.store, opened.run, writerId).catch(troubled);
      return opened;
    });
    const deliveries = createDeliveries(off ? [] : parts.destinations, platform);
    const writer = createWriter({
      writer: writerId,
      recorder,
      opened: held,
      openedSync: opening.openedSync,
      rename: opening.rename,
      now: Date.now,
      timer: platform.timer,
      saved() {
        opening.kept();
        const full = tracker.tracked - poked >= fullBatch;
        if (full) poked = tracker.tracked;
        deliveries.poke(full);
      },
      warn,
    });
    const admits = (count: number): boolean => {
      if (!core.admits(count)) return false;
      if (off || writer.accepts()) return !off;
      writer.refuse(count);
      return false;
    };
    const tracker = createTracker({
      recorder,
      model: options.metrics,
      onInvalid: options.onInvalid ?? "throw",
      lastSteps: parts.lastSteps,
      now: Date.now,
      admits,
      recorded: () => core.recorded(),
      warn,
    });
    const ended = (): void => {
      open.delete(run as Run);
      lettingGo.delete(run as Run);
    };
    const { uid, owner, before, superseded } = parts;
    const core = createCore({
      platform,
      uid,
      owner,
      before,
      superseded,
      recorder,
      tracker,
      writer,
      writerId,
      opening,
      deliveries,
      lease,
      ownStore: typeof options.store !== "object",
      quiet: options.quiet === true,
      ended,
    });
    const run = new Run<M>(core);
    open.add(run as Run);
    lettingGo.set(run as Run, letGoWhen(core, platform, writerId, parts.letGo));
    const lookAfter = async (store: LocalStore): Promise<void> => {
      await closeDead(store, Date.now());
      if (open.has(run as Run)) platform.timer(() => void lookAfter(store).catch(troubled), sweepMillis);
    };
    // Only once this writer is seen: it may go on with a run whose last writer died, which is no longer dead then.
    held.then(({ store }) => core.flushQuietly().then(() => lookAfter(store))).catch(troubled);
    return run;
  };

  /** Cells of this page that were invalidated hand their run over before the next cell looks at it. */
  const takeOver = async (store: LocalStore, id: string): Promise<boolean> => {
    let handedOver = false;
    for (const [run, each] of lettingGo) {
      if (!each.begun || run.id !== id || (await run.store).location !== store.location) continue;
      await each.handOver();
      handedOver = true;
    }
    return handedOver;
  };

  const isOff = (options: RunOptions): boolean => (options.mode ?? platform.setting("RUNLOG_MODE")) === "off";

  const startRun: Client["startRun"] = (options = {}) => {
    checkOptions(options);
    const uid = toHex(random(16));
    const run = options.runId === undefined ? makeRunId(new Date(), random(10)) : checkRunId(options.runId);
    const destinations = options.syncTo ?? platform.destinations();
    const start = runStart(platform, options, uid, destinations);
    const store = isOff(options) ? memoryStore() : storeOf(options.store);
    const opening = openNew({
      store,
      run,
      chosen: options.runId !== undefined,
      start,
      code: isOff(options) ? undefined : codesOf(platform, options.code),
      warn: platform.warn,
    });
    return begin({
      options,
      destinations,
      opening,
      uid,
      owner: true,
      before: 0,
      superseded: 0,
      lastSteps: new Map(),
      letGo: {},
    });
  };

  const resumeRun: Client["resumeRun"] = async (options) => {
    checkOptions(options);
    checkResume(options);
    const [named, namedUid] =
      options.key === undefined ? (platform.setting("RUNLOG_RUN")?.split(":") ?? []) : [];
    const runId = options.runId ?? named;
    const joins = options.uid ?? (options.runId === undefined ? namedUid : undefined);
    if (runId === undefined && options.key === undefined) {
      throw new ValidationError(
        "key",
        "or runId must be given: resumeRun({ key }) continues the latest run of that key",
      );
    }
    const destinations = options.syncTo ?? platform.destinations();
    const start = { ...runStart(platform, options, toHex(random(16)), destinations), key: options.key };
    const store = isOff(options) ? memoryStore() : storeOf(options.store);
    const free = store && options.key !== undefined ? await takeKey(store, options.key) : undefined;
    try {
      const run = runId === undefined ? makeRunId(new Date(), random(10)) : checkRunId(runId);
      const onParameterChange = options.onParameterChange ?? (runId === undefined ? "new" : "keep");
      const { key, rewindTo } = options;
      const resumed = await openExisting({
        store,
        run,
        key,
        joins,
        onParameterChange,
        rewindTo,
        takeOver,
        start,
        code: isOff(options) ? undefined : codesOf(platform, options.code),
        warn: platform.warn,
      });
      const made = begin({ options, destinations, ...resumed, letGo: options });
      if (free !== undefined) await made.flush();
      return made;
    } finally {
      free?.();
    }
  };

  const trackRun: Client["trackRun"] = async (options, body) => {
    const run = startRun(options);
    try {
      const result = await platform.current.within(run as Run, () => body(run));
      await run.finish();
      return result;
    } catch (error) {
      await run.fail(messageOf(error));
      throw error;
    }
  };

  const trackThis: Client["trackThis"] = (values, options) => {
    const inner = platform.current.innermost();
    const candidates = inner.length > 0 ? inner : [...open];
    const [run] = candidates;
    if (run !== undefined && candidates.length === 1) return run.track(values, options);
    if (run === undefined)
      throw new ValidationError("trackThis", "found no open run: call startRun or trackRun first");
    const ids = candidates.map((each) => `'${each.id}'`).join(", ");
    throw new ValidationError(
      "trackThis",
      `found several open runs (${ids}): call track on the one you mean`,
    );
  };

  const openStore: Client["openStore"] = <S extends Store>(given?: S | string) => {
    const store = typeof given === "object" ? given : ((storeOf(given) ?? memoryStore()) as Store as S);
    return Object.assign(withReading(store), { persist: () => platform.persist() });
  };

  return { startRun, resumeRun, trackRun, trackThis, openStore };
}

/** Options of another type than promised come from JavaScript, and from a destination forgotten to be called. */
function checkOptions(options: RunOptions): void {
  if (typeof options !== "object" || options === null || isRun(options)) {
    throw new ValidationError("options", "must be an object such as { tag, parameters, syncTo }");
  }
  if (options.syncTo !== undefined && !Array.isArray(options.syncTo)) {
    throw new ValidationError("syncTo", "must be a list of destinations such as [mlflow(url)]");
  }
  for (const each of options.syncTo ?? []) {
    if (typeof each?.deliver !== "function") {
      throw new ValidationError(
        "syncTo",
        "holds something that is no destination; pass mlflow(url) or runLogStore(url)",
      );
    }
  }
}
