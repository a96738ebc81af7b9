/** An HTTP proxy before a server: counts requests, loses replies, answers in the server's place. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request that reached the proxy. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** What to do with a request: forward it, forward it and cut the reply, cut it off, or answer instead of the server. */
export type Act =
  | "pass"
  | "lose"
  | "reset"
  | { readonly status: number; readonly body: string; readonly type?: string };

export interface CountingProxy {
  readonly url: string;
  readonly seen: Seen[];
  /** Decides for each request. @default pass all */
  act: (seen: Seen) => Act;
  stop(): Promise<void>;
}

/** Starts a proxy before `target`. */
export async function startProxy(target: string): Promise<CountingProxy> {
  const seen: Seen[] = [];
  const proxy = { url: "", seen, act: (_: Seen): Act => "pass", stop: async () => {} };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bytesOf(request);
    const entry: Seen = {
      method: request.method ?? "",
      path: request.url ?? "",
      body: body.toString("utf8"),
    };
    seen.push(entry);
    const act = proxy.act(entry);
    if (typeof act === "object") {
      response.writeHead(act.status, { "content-type": act.type ?? "application/json" }).end(act.body);
      return;
    }
    if (act === "reset") {
      request.socket.destroy();
      return;
    }
    const reply = await fetch(target + entry.path, {
      method: entry.method,
      headers: { "content-type": request.headers["content-type"] ?? "application/json" },
      ...(entry.method !== "GET" && { body: new Uint8Array(body) }),
    });
    const bytes = Buffer.from(await reply.arrayBuffer());
    if (act === "lose") {
      request.socket.destroy();
      return;
    }
    const type = reply.headers.get("content-type") ?? "text/plain";
    response.writeHead(reply.status, { "content-type": type }).end(bytes);
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  proxy.stop = async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return proxy;
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
