/** `runlog serve` as a process of its own, which can be killed. */
import { fileURLToPath } from "node:url";
import { answering, start } from "../env/process.ts";

export interface KillableServer {
  readonly url: string;
  /** The group of its process. */
  readonly pid: number;
  /** Ends it by SIGKILL. */
  kill(): Promise<void>;
}

/** Serves the folder `store` on `port`. @param more further arguments of `runlog serve` */
export async function startServer(
  store: string,
  port: number,
  more: readonly string[] = [],
): Promise<KillableServer> {
  const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
  const args = ["--no-warnings", main, "serve", "--store", store, "--port", String(port), ...more];
  const server = start({ command: process.execPath, args });
  const url = `http://127.0.0.1:${port}`;
  await answering(server, `${url}/healthz`, 60_000);
  return { url, pid: server.pid, kill: () => server.kill() };
}
