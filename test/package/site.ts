/** Serves folders of a page each under a Content-Security-Policy that allows scripts of the site's own files only. */

import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { extname, join } from "node:path";
import { text } from "node:stream/consumers";

/** A site with pages that report once and then go on to the next, so that one browser sees all. */
export interface Site {
  /** The first page. */
  readonly url: string;
  /** What the page under `/<name>/` posted to `outcome`. */
  outcome(name: string, limitMillis: number): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
};

/**
 * Listens on a free port of this machine.
 * @param folders page's name -> folder with its `index.html`, in the order of the visit
 */
export async function serveSite(folders: Readonly<Record<string, string>>): Promise<Site> {
  const names = Object.keys(folders);
  const outcomes = new Map(names.map((name) => [name, Promise.withResolvers<Record<string, unknown>>()]));
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [, name = "", file = ""] = (request.url ?? "").split("?", 1)[0]?.match(/^\/([^/]+)\/(.*)$/) ?? [];
    const folder = folders[name];
    if (folder === undefined) return void response.writeHead(404).end();
    if (request.method === "POST") {
      outcomes.get(name)?.resolve(JSON.parse(await text(request)));
      const next = names[names.indexOf(name) + 1];
      return void response.writeHead(200).end(next === undefined ? "about:blank" : `/${next}/`);
    }
    const path = join(folder, file === "" ? "index.html" : file);
    const type = TYPES[extname(path)] ?? "application/octet-stream";
    const body = await readFile(path);
    response
      .writeHead(200, { "content-type": type, "content-security-policy": "script-src 'self'" })
      .end(body);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the site got no port");
  return {
    url: `http://127.0.0.1:${address.port}/${names[0]}/`,
    async outcome(name, limitMillis) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(
          () => reject(new Error(`the page '${name}' reported nothing in ${limitMillis} ms`)),
          limitMillis,
        );
      });
      const arrived = outcomes.get(name)?.promise ?? Promise.reject(new Error(`there is no page '${name}'`));
      return await Promise.race([arrived, late]).finally(() => clearTimeout(timer));
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
