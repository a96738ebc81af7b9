/**
 * onnxruntime-web: it has no callbacks, so its calls are timed.
 *
 *     const session = await run.time("session", () => ort.InferenceSession.create("model.onnx"));
 *     const timed = timedSession(run, session);
 *     const { logits } = await timed.run({ input });            // infer_ms at step 0, 1, 2, …
 *
 * The first call compiles shaders or fills caches: leave step 0 out of an average. Tested with an object in the place of
 * the session, not with a model.
 */
import type { Run } from "runlog";

/** The part of an `ort.InferenceSession` that is timed. */
export interface Session<Args extends unknown[], Results> {
  run(...args: Args): Promise<Results>;
}

/**
 * The session's `run`, with the duration of each call tracked as `<name>_ms`, also of those that fail.
 * @param name "infer" by default
 */
export function timedSession<Args extends unknown[], Results>(
  run: Pick<Run, "time">,
  session: Session<Args, Results>,
  name = "infer",
): Session<Args, Results> {
  return { run: (...args) => run.time(name, () => session.run(...args)) };
}
