import { messageOf } from "../errors.ts";
import type { Destination, Problem } from "../sync/destination.ts";
import type { Answer } from "./answer.ts";
import type { Deadline } from "./deadline.ts";
import { isLoopback, localAccess } from "./local-network.ts";
import {
  type Asked,
  localNetworkDenied,
  localNetworkInsecure,
  mixedContent,
  offline,
  originRefused,
  stopped,
  timedOut,
  unreachable,
  unreachableOrUnasked,
} from "./problems.ts";

/** A request that ended without an answer. */
export interface Failure {
  readonly asked: Asked;
  readonly target: Pick<Destination, "url" | "probe">;
  readonly error: unknown;
  readonly deadline: Deadline;
  readonly limitMs: number;
  readonly fetch: typeof fetch;
}

const probeMs = 5_000;

/** What no answer means: time ran out, the caller stopped, no network, a refused origin, or nobody there. */
export async function noAnswer(failure: Failure): Promise<Answer> {
  const problem = await problemOf(failure);
  return { class: "retry", text: problem.message, problem };
}

async function problemOf(failure: Failure): Promise<Problem> {
  const { asked, error, deadline, limitMs } = failure;
  const cause = deadline.cause();
  if (cause === "caller") return stopped(asked);
  if (cause === "timeout") return timedOut(asked, limitMs);
  if (globalThis.navigator?.onLine === false) return offline(asked);
  const reason = reasonOf(error);
  // Only a page or a worker has a location; there a refused origin looks like a dead server.
  const here = globalThis.location;
  if (here === undefined || here.origin === new URL(failure.target.url).origin)
    return unreachable(asked, reason);
  if (await someoneAnswers(failure)) return originRefused(asked, here.origin);
  return await refusedByBrowser(failure, reason, here);
}

/** Nobody answers this page. Whether that is the browser's doing, its rules and permissions tell. */
async function refusedByBrowser(
  { asked, target }: Failure,
  reason: string,
  here: Location,
): Promise<Problem> {
  if (isMixed(here.protocol, target.url)) return mixedContent(asked, here.origin);
  const access = await localAccess(here.href, target.url);
  if (access === "denied") return localNetworkDenied(asked, here.origin);
  if (access === "insecure") return localNetworkInsecure(asked, here.origin);
  return access === "prompt" ? unreachableOrUnasked(asked, reason, here.origin) : unreachable(asked, reason);
}

/** Asks without CORS, which hides the answer but tells that there was one. No credentials go along. */
async function someoneAnswers({ target, fetch }: Failure): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(probeMs);
    await fetch(target.url + target.probe, {
      mode: "no-cors",
      credentials: "omit",
      cache: "no-store",
      signal,
    });
    return true;
  } catch {
    return false; // nobody there, or the browser itself forbids the request
  }
}

/** The innermost words, or its code where it has none: fetch itself only says "fetch failed". */
function reasonOf(error: unknown): string {
  let reason = "";
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    reason = at.message || (typeof code === "string" ? code : reason);
  }
  return (reason || messageOf(error)).replace(/\s+/g, " ").slice(0, 200);
}

function isMixed(protocol: string, url: string): boolean {
  return protocol === "https:" && url.startsWith("http:") && !isLoopback(url);
}
