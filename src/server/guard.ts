import type { MiddlewareHandler } from "hono";
import { HttpProblem, problemResponse } from "./problem.ts";

const loopbackNames = new Set(["localhost", "127.0.0.1", "[::1]"]);
const exposed = "retry-after";

/**
 * Lets only this machine in, as long as there are no tokens: the Host must be loopback (a page elsewhere whose name
 * was made to point here is refused), and so must the origin of a page, unless `corsOrigins` lists it. A refused
 * request is answered before its body is read.
 */
export function guard(corsOrigins: readonly string[]): MiddlewareHandler {
  return async (context, next) => {
    const host = context.req.header("host") ?? new URL(context.req.url).host;
    if (!loopbackNames.has(hostName(host))) return problemResponse(hostRefused(host));
    const origin = context.req.header("origin");
    if (origin === undefined) return next();
    if (!allowed(origin, corsOrigins)) return problemResponse(originRefused(origin));
    if (
      context.req.method === "OPTIONS" &&
      context.req.header("access-control-request-method") !== undefined
    ) {
      return preflight(origin, context.req.header("access-control-request-private-network") === "true");
    }
    await next();
    context.res.headers.set("access-control-allow-origin", origin);
    context.res.headers.set("access-control-expose-headers", exposed);
    context.res.headers.append("vary", "Origin");
  };
}

/** Whether this name or address (as `serve` binds to, or a URL writes it) is this machine alone. */
export function isLoopback(name: string): boolean {
  return loopbackNames.has(name) || name === "::1";
}

function hostName(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, "");
}

function allowed(origin: string, listed: readonly string[]): boolean {
  if (listed.includes(origin)) return true;
  if (!URL.canParse(origin)) return false;
  const { protocol, hostname } = new URL(origin);
  return /^https?:$/.test(protocol) && loopbackNames.has(hostname);
}

function preflight(origin: string, privateNetwork: boolean): Response {
  const headers = new Headers({
    "access-control-allow-origin": origin,
    "access-control-allow-methods": "GET, POST, DELETE",
    "access-control-allow-headers": "authorization, content-type, content-encoding",
    "access-control-max-age": "600",
    vary: "Origin",
  });
  if (privateNetwork) headers.set("access-control-allow-private-network", "true");
  return new Response(null, { status: 204, headers });
}

function hostRefused(host: string): HttpProblem {
  return new HttpProblem(403, {
    code: "host_refused",
    detail: `this server answers to localhost, 127.0.0.1 and [::1] only, found the Host '${host.slice(0, 100)}'`,
  });
}

function originRefused(origin: string): HttpProblem {
  return new HttpProblem(403, {
    code: "origin_refused",
    detail: `pages of ${origin.slice(0, 200)} may not write here; start the server with: runlog serve --cors-origin ${origin.slice(0, 200)}`,
  });
}
