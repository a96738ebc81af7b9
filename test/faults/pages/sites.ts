/** A page under several origins: http, https, and without any origin of its own. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

/** The names that the browser is told to find on this machine. */
export const HOST = "demo.example";
export const TRACKER = "tracker.example";

/** A certificate of its own for both names, which no browser trusts unless told to. */
export interface Certificate {
  readonly key: Buffer;
  readonly cert: Buffer;
}

export async function makeCertificate(folder: string): Promise<Certificate> {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const names = `subjectAltName=DNS:${HOST},DNS:${TRACKER}`;
  const made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", `/CN=${HOST}`];
  await promisify(execFile)("openssl", [...made, "-addext", names, "-keyout", key, "-out", cert]);
  return { key: await readFile(key), cert: await readFile(cert) };
}

export interface Site {
  readonly port: number;
  close(): Promise<void>;
}

/** @param certificate for https; http without */
export async function listen(listener: RequestListener, certificate?: Certificate): Promise<Site> {
  const server: Server =
    certificate === undefined ? createServer(listener) : createSecureServer({ ...certificate }, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Serves the script; at `/alone` the page has no origin, as in a sandboxed frame. */
export function pageOf(script: string): RequestListener {
  return ({ url = "/" }, response) => {
    const isScript = url === "/page.js";
    if (url.startsWith("/alone")) response.setHeader("content-security-policy", "sandbox allow-scripts");
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html; charset=utf-8");
    response.end(isScript ? script : '<!doctype html><body><script type="module" src="/page.js"></script>');
  };
}
