import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { digitsFile } from "../digits/load.ts";

/** Serves the page, bundled at the start, from memory. */

export interface PageServer {
  readonly url: string;
  close(): Promise<void>;
}

interface File {
  readonly type: string;
  readonly body: string;
}

/**
 * Bundles the page and serves it on this machine.
 * @param port 0 takes a free one
 * @param surroundings what the page is told: the addresses that runs go to, without credentials
 * @throws {Error} of the system, when the port is taken
 */
export async function servePage(
  port: number,
  surroundings: { readonly runLogServer: string; readonly mlflow: string | null },
): Promise<PageServer> {
  const files: Readonly<Record<string, File>> = {
    "/": { type: "text/html", body: read("./index.html") },
    "/style.css": { type: "text/css", body: read("./style.css") },
    "/main.js": { type: "text/javascript", body: await bundle() },
    "/digits.txt": { type: "text/plain", body: readFileSync(digitsFile, "utf8") },
    "/surroundings.json": { type: "application/json", body: JSON.stringify(surroundings) },
  };
  const targets = [surroundings.runLogServer, surroundings.mlflow].filter((url) => url !== null);
  const server = createServer((request, response) => {
    const file = ["GET", "HEAD"].includes(request.method ?? "")
      ? files[(request.url ?? "/").split("?", 1)[0] ?? "/"]
      : undefined;
    response.writeHead(file === undefined ? 404 : 200, {
      "content-type": `${file?.type ?? "text/plain"}; charset=utf-8`,
      "content-security-policy": policy(targets),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    response.end(file?.body ?? "not here");
  });
  await listen(server, port);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => closed(server),
  };
}

/** Nothing but this page's own files, and the servers that runs go to. */
function policy(targets: readonly string[]): string {
  const origins = targets.map((url) => new URL(url).origin).join(" ");
  return `default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' ${origins}`;
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("./main.ts", import.meta.url))],
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    logLevel: "warning",
  });
  return outputFiles[0]?.text ?? "";
}

function read(path: string): string {
  return readFileSync(new URL(path, import.meta.url), "utf8");
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
