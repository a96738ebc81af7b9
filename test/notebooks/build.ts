/** Builds the example notebooks against the installed tarball, each with its own tool, and serves them. */
import { execFile } from "node:child_process";
import { cpSync, symlinkSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const bin = (name: string): string => join(root, "node_modules", ".bin", name);
const limit = { timeout: 240_000, maxBuffer: 1 << 26 };
const quiet = { ...process.env, OBSERVABLE_TELEMETRY_DISABLE: "true" };

/** Puts the examples into a project that has the package installed, and Observable's packages as authors have them. */
function copyExamples(project: string): void {
  cpSync(join(root, "playground/notebooks"), join(project, "notebooks"), { recursive: true });
  for (const scope of ["@observablehq", "@fontsource-variable"]) {
    symlinkSync(join(root, "node_modules", scope), join(project, "node_modules", scope), "dir");
  }
}

/** @returns tool -> folder of the built site, whose page is `page` */
export async function buildNotebooks(project: string): Promise<Record<Tool, Built>> {
  copyExamples(project);
  const notebooks = join(project, "notebooks");
  const kit = ["build", "--root", notebooks, "--out", "built", "--", join(notebooks, "descent.html")];
  await run(bin("notebooks"), kit, { ...limit, cwd: project });
  const framework = join(notebooks, "framework");
  await run(bin("observable"), ["build"], { ...limit, cwd: framework, env: quiet });
  return {
    "Notebook Kit": { folder: join(notebooks, "built"), page: "descent.html" },
    Framework: { folder: join(framework, "dist"), page: "index.html" },
  };
}

export type Tool = "Notebook Kit" | "Framework";

export interface Built {
  readonly folder: string;
  readonly page: string;
}

export interface Served {
  readonly origin: string;
  close(): Promise<void>;
}

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
};

/** Serves the files of a folder on a free port of this machine. */
export async function serveFolder(folder: string): Promise<Served> {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://here").pathname));
    readFile(join(folder, path)).then(
      (body) => {
        response
          .writeHead(200, { "content-type": types[extname(path)] ?? "application/octet-stream" })
          .end(body);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the folder's server got no port");
  return {
    origin: `http://127.0.0.1:${address.port}`,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
