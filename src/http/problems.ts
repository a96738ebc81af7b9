import type { Destination, Problem } from "../sync/destination.ts";

/** What the text of a problem needs to know of the request. */
export interface Asked {
  /** Method and URL without query: "POST http://127.0.0.1:4000/v1/runs/a/segments". */
  readonly what: string;
  readonly destination: Pick<Destination, "url" | "kind" | "originAdvice">;
}

const servers: Readonly<Record<string, string>> = { runlog: "a run-log store", mlflow: "an MLflow server" };

/** The problem of an answer that is not 2xx. `words` is what the server said, without secrets. */
export function problemOfStatus(asked: Asked, status: number, words: string): Problem {
  const [code, action] = meaningOf(asked, status);
  return { code, message: `${asked.what} answered ${status}${words === "" ? "" : `: ${words}`}`, action };
}

function meaningOf({ destination }: Asked, status: number): [code: string, action: string] {
  const checkUrl = `check that ${destination.url} is ${serverName(destination.kind)}`;
  if (status === 401)
    return ["unauthorized", "give a token, or a user name and password, that the server knows"];
  if (status === 403) return ["forbidden", "ask the server's owner to let these credentials write"];
  if (status === 404 || status === 405) return ["not_found", checkUrl];
  if (status === 409)
    return ["conflict", "nothing: the courier asks for the server's position and goes on from there"];
  if (status === 410) return ["gone", "nothing, if the deletion was meant"];
  if (status === 413) return ["too_large", "raise the limit of the server, or of the proxy before it"];
  if (status === 429) return ["too_many_requests", "nothing: delivery goes on when the server allows it"];
  if (status === 408 || status === 425 || status >= 500) {
    return ["server_error", "look at the server's own log; delivery is tried again by itself"];
  }
  return ["refused", `${checkUrl}, of a version that takes this request`];
}

/** A redirect: never followed, because credentials would go along. `location` is absent in pages, which hide it. */
export function redirected(asked: Asked, location: string | null): Problem {
  const origin = originOf(location, asked.destination.url);
  return {
    code: "redirected",
    message: `${asked.what} was redirected${origin === undefined ? "" : ` to ${origin}`}, which is not followed`,
    action: "use the server's final URL (often https instead of http, or without a login page before it)",
  };
}

/** An answer that no such server gives. */
export function wrongServer(asked: Asked, found: string): Problem {
  return {
    code: "wrong_server",
    message: `${asked.what} answered with ${found}`,
    action: `check that ${asked.destination.url} is ${serverName(asked.destination.kind)} and that no proxy or login page answers for it`,
  };
}

/** No answer in time. */
export function timedOut(asked: Asked, limitMs: number): Problem {
  return {
    code: "timeout",
    message: `${asked.what} had no answer within ${limitMs / 1_000} s`,
    action: "look whether the server hangs; delivery is tried again by itself",
  };
}

/** The caller gave up waiting. */
export function stopped(asked: Asked): Problem {
  return {
    code: "stopped",
    message: `${asked.what} was stopped here`,
    action: "nothing: it is sent again later",
  };
}

/** The browser says that this machine has no network. */
export function offline(asked: Asked): Problem {
  return {
    code: "offline",
    message: `${asked.what}: this machine is offline`,
    action: "nothing: delivery goes on when it is online",
  };
}

/** The server is up, but the browser keeps its answers from this page. */
export function originRefused(asked: Asked, origin: string): Problem {
  return {
    code: "origin_refused",
    message: `${asked.what}: the server is there, but lets no page of ${origin} read its answers`,
    action: asked.destination.originAdvice(origin),
  };
}

/** Nobody answered. `reason` is what the network said. */
export function unreachable(asked: Asked, reason: string): Problem {
  return {
    code: "unreachable",
    message: `${asked.what} had no answer: ${reason}`,
    action: `start the server, or check ${asked.destination.url}; delivery is tried again by itself`,
  };
}

/** Nobody answered a page, and the browser may still have to be told that the page may ask. */
export function unreachableOrUnasked(asked: Asked, reason: string, origin: string): Problem {
  return {
    code: "unreachable",
    message: `${asked.what} had no answer: ${reason}`,
    action: `start the server, or check ${asked.destination.url}; if it runs, ${allowLocal(origin)}`,
  };
}

/** The browser itself keeps this page from servers on the local network or on this machine. */
export function localNetworkDenied(asked: Asked, origin: string): Problem {
  return {
    code: "local_network",
    message: `${asked.what}: this browser does not let pages of ${origin} call servers on this machine or network`,
    action: `${allowLocal(origin)}; delivery goes on by itself`,
  };
}

/** As above, and because the page came by http nobody can allow it. */
export function localNetworkInsecure(asked: Asked, origin: string): Problem {
  return {
    code: "local_network",
    message: `${asked.what} had no answer: this browser does not let insecure pages such as ${origin} call servers on this machine or network`,
    action: `serve the page by https, or open it from this machine (http://localhost); if it is on the same network already, start the server`,
  };
}

/** A page served by https may only call https. */
export function mixedContent(asked: Asked, origin: string): Problem {
  const { url } = asked.destination;
  return {
    code: "mixed_content",
    message: `${asked.what}: pages served by https, as ${origin}, may not call http`,
    action: `serve ${url} by https too (${url.replace("http:", "https:")}), or open the page by http`,
  };
}

function allowLocal(origin: string): string {
  return `allow ${origin} to call them: the icon left of the address, Site settings, "Local network access" (newer Chrome: "Apps on device" and "Local network")`;
}

/** At most 200 characters of what a server said, from the fields that servers use, on one line. */
export function wordsOf(json: unknown, text: string): string {
  if (/^\s*</.test(text)) return "an HTML page";
  const fields = (typeof json === "object" && json !== null ? json : {}) as Record<string, unknown>;
  const said = [fields["detail"], fields["message"], fields["title"], fields["error"]];
  const words = said.find((field) => typeof field === "string" && field !== "") ?? text;
  const line = String(words)
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

function serverName(kind: string): string {
  return servers[kind] ?? `a ${kind} server`;
}

function originOf(location: string | null, base: string): string | undefined {
  if (location === null || !URL.canParse(location, base)) return undefined;
  return new URL(location, base).origin;
}
