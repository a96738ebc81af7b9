/** What stands before a run-log store: a proxy that refuses as servers, proxies and login pages on the way do. */
import type { IncomingMessage, RequestListener } from "node:http";
import { buffer } from "node:stream/consumers";

export interface Refusal {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** @param refuse what to answer instead, if anything; preflights always pass, as the server behind lets them */
export function gate(
  target: string,
  refuse: (request: IncomingMessage, body: string) => Refusal | undefined,
): RequestListener {
  return (request, response) => {
    const pass = async (): Promise<void> => {
      const { method = "GET", url = "/", headers } = request;
      const body = await buffer(request);
      const refusal = method === "OPTIONS" ? undefined : refuse(request, body.toString("utf8"));
      if (refusal !== undefined) {
        const { status, headers: more = {}, body: text = "" } = refusal;
        const cors = { "access-control-allow-origin": headers.origin ?? "*" };
        response
          .writeHead(status, { ...cors, "access-control-expose-headers": "retry-after", ...more })
          .end(text);
        return;
      }
      const kept = Object.entries(headers).filter(
        ([name]) => !/^(host|connection|content-length)$/.test(name),
      );
      const answer = await fetch(target + url, {
        method,
        headers: kept as [string, string][],
        ...(body.length > 0 && { body }),
      });
      const bytes = Buffer.from(await answer.arrayBuffer());
      const said = [...answer.headers].filter(
        ([name]) => !/^(content-(length|encoding)|transfer-encoding|connection)$/.test(name),
      );
      response.writeHead(answer.status, Object.fromEntries(said)).end(bytes);
    };
    pass().catch(() => response.destroy());
  };
}
