import type { Destination } from "../sync/destination.ts";
import { readParameters } from "./environment.ts";
import type { RunStart } from "./opening.ts";
import { checkLabels, checkTag, type RunOptions, storedParameters } from "./options.ts";
import type { Platform } from "./platform.ts";

/** What a writer's first record says of the run, as far as it is known before the store is open. */
export function runStart(
  platform: Platform,
  options: RunOptions,
  uid: string,
  destinations: readonly Destination[],
): RunStart {
  return {
    type: "run",
    time: Date.now(),
    uid,
    tag: checkTag(options.tag),
    owner: options.owner,
    ...parametersOf(platform, options),
    ...(options.labels !== undefined && { labels: checkLabels(options.labels) }),
    ...(options.metrics !== undefined && { model: options.metrics.toJSON() }),
    destinations: destinations.map(({ kind, url }) => ({ kind, url })),
    host: platform.host(),
  };
}

/** The caller's beat those of the environment. */
function parametersOf(platform: Platform, { parameters }: RunOptions): Pick<RunStart, "parameters"> {
  const environment = readParameters(platform.variables ?? {});
  if (parameters === undefined && Object.keys(environment).length === 0) return {};
  return { parameters: storedParameters({ ...environment, ...parameters }) };
}
