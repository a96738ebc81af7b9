/** A real MLflow tracking server on SQLite. */
import { constants, copyFile, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ENVIRONMENTS, python } from "./find.ts";
import { answering, freePort, type Started, start } from "./process.ts";

/** What a test may ask of its server. */
export interface MlflowOptions {
  /** Server processes. MLflow's own default is 4, which delays every keep-alive reply by about 40 ms. @default 1 */
  readonly workers?: number;
  /** Added to the environment of the server. */
  readonly env?: Record<string, string>;
  /** Added to the command line, e.g. `["--cors-allowed-origins", "http://a.example"]`. */
  readonly extraArgs?: readonly string[];
  /** What keeps the runs; the file store is in maintenance mode and needs to be allowed. @default "database" */
  readonly keeps?: "database" | "files";
  /** Folder of database and artifacts, kept after `stop`. @default a temporary one, removed by `stop` */
  readonly dir?: string;
}

/** A running server. */
export interface Mlflow {
  readonly url: string;
  readonly dir: string;
  /** Process group of the server that runs now; another one after `restart`. */
  readonly pid: number;
  /** What the server printed last. */
  output(): string;
  /** Ends it and removes its temporary folder. Further calls do nothing. */
  stop(): Promise<void>;
  /** Ends it at once, as a crash would; address and data stay for `restart`. */
  kill(): Promise<void>;
  /** Starts it again on the same address and data, killing it first where it still runs; with other arguments if given. */
  restart(extraArgs?: readonly string[]): Promise<void>;
}

const BOOT_MILLIS = 90_000;

/**
 * Starts a server and waits until it answers.
 * @throws where the Python environment is missing (ask `needs("mlflow")` first) or the server does not come up
 */
export async function startMlflow(options: MlflowOptions = {}): Promise<Mlflow> {
  const interpreter = python("mlflow");
  if (interpreter === undefined) throw new Error("no Python environment with MLflow: run `npm test` once");
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), "runlog-mlflow-")));
  const remove = async (): Promise<void> => {
    if (options.dir === undefined) await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  };
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const boot = async (extraArgs = options.extraArgs): Promise<Started> => {
    const line = commandLine(dir, port, { ...options, extraArgs: extraArgs ?? [] });
    const server = start({ command: interpreter, ...line });
    await answering(server, `${url}/health`, BOOT_MILLIS);
    return server;
  };
  const database = join(dir, "mlflow.db");
  const empty = join(ENVIRONMENTS, "mlflow", "empty.db");
  const migrated = options.keeps === "files" || (await copied(empty, database));
  let server: Started;
  try {
    server = await boot();
  } catch (error) {
    await remove();
    throw error;
  }
  if (!migrated) await keep(database, empty);
  return {
    url,
    dir,
    get pid() {
      return server.pid;
    },
    output: () => server.output(),
    kill: () => server.kill(),
    async stop() {
      await server.stop();
      await remove();
    },
    async restart(extraArgs) {
      await server.kill();
      server = await boot(extraArgs);
    },
  };
}

/** Migrating a new database takes a server seconds of computing: the first one's is kept beside the environment. */
async function keep(database: string, empty: string): Promise<void> {
  const passing = `${empty}.${process.pid}`;
  await copyFile(database, passing);
  await rename(passing, empty);
}

/** False when there is nothing to copy, or something to keep. */
async function copied(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return true;
    if (code === "ENOENT") return false;
    throw error;
  }
}

function commandLine(
  dir: string,
  port: number,
  { workers = 1, env = {}, extraArgs = [], keeps = "database" }: MlflowOptions,
): { args: string[]; env: Record<string, string>; cwd: string } {
  const args = ["-m", "mlflow", "server", "--host", "127.0.0.1", "--port", String(port)];
  const backend = keeps === "files" ? join(dir, "runs") : `sqlite:///${join(dir, "mlflow.db")}`;
  args.push("--workers", String(workers), "--backend-store-uri", backend);
  args.push("--artifacts-destination", join(dir, "artifacts"), ...extraArgs);
  const calm = {
    MLFLOW_DISABLE_TELEMETRY: "true",
    DO_NOT_TRACK: "true",
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION: "false",
    ...(keeps === "files" && { MLFLOW_ALLOW_FILE_STORE: "true" }),
  };
  return { args, env: { ...calm, ...env }, cwd: dir };
}
