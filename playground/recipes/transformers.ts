/**
 * transformers.js: tracks how a model was loaded.
 *
 *     const classify = await run.time("load", () =>
 *       pipeline("sentiment-analysis", model, { progress_callback: trackLoading(run) }),
 *     );
 *     const [answer] = await run.time("infer", () => classify(text));
 *
 * Tested with events as its documentation and source describe them, not with a model from the network.
 */
import type { Run } from "runlog";

/** What transformers.js calls a `progress_callback` with, as far as it is read here. */
export interface LoadingInfo {
  /** `progress` brings bytes, `done` ends a file; the others (`initiate`, `download`, `ready`, …) bring nothing to keep. */
  readonly status: string;
  readonly file?: string;
  /** Bytes of this file so far. */
  readonly loaded?: number;
  /** Bytes of this file. */
  readonly total?: number;
}

/**
 * A `progress_callback` that tracks, at each new whole percent, `load/percent` and `load/bytes` of the files known so
 * far, and for each file, as it is done, the value `load/file`. The percentage falls when another file turns up.
 */
export function trackLoading(run: Pick<Run, "track">): (info: LoadingInfo) => void {
  const files = new Map<string, { loaded: number; total: number }>();
  let percent = -1;
  let step = 0;
  let done = 0;

  return ({ status, file = "", loaded = 0, total = 0 }) => {
    if (status === "done") {
      run.track({ "load/file": { file, bytes: files.get(file)?.loaded ?? 0 } }, { step: done++ });
    }
    if (status !== "progress") return;
    files.set(file, { loaded, total });
    const all = [...files.values()];
    const bytes = all.reduce((sum, each) => sum + each.loaded, 0);
    const ofBytes = all.reduce((sum, each) => sum + each.total, 0);
    // A server that compresses or says no length leaves the total at 0, or below what came.
    const now = ofBytes === 0 ? 0 : Math.floor(Math.min(1, bytes / ofBytes) * 100);
    if (now === percent) return;
    percent = now;
    run.track({ "load/percent": percent, "load/bytes": bytes }, { step: step++ });
  };
}
