/** Serves a page of this folder, from the source, and hears what it tells. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";

export interface PageHost {
  readonly url: string;
  close(): Promise<void>;
}

/** @param told what the page posts: its path and the parsed body */
export async function hostPage(name: string, told: (path: string, body: unknown) => void): Promise<PageHost> {
  const script = await bundlePage(name);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? "/", "http://host");
    if (request.method === "POST") told(pathname, JSON.parse(await text(request)));
    if (pathname === "/") {
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end('<!doctype html><title>runlog</title><script type="module" src="/page.js"></script>');
    } else if (pathname === "/page.js") {
      response.setHeader("content-type", "text/javascript; charset=utf-8");
      response.end(script);
    } else response.writeHead(request.method === "POST" ? 204 : 404).end();
  };
  const server = createServer((request, response) => {
    // A page that is killed in the middle of a request breaks off its body.
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** The script of a page of this folder, bundled from the source, which `plugins` may change. */
export async function bundlePage(name: string, plugins: Plugin[] = []): Promise<string> {
  const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [path(`./${name}.ts`)],
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    logLevel: "silent",
    plugins,
    alias: {
      "runlog/notebook": path("../../../src/integrations/notebook/index.ts"),
      runlog: path("../../../src/index.ts"),
    },
  });
  return outputFiles[0]?.text ?? "";
}
