import { mlflow } from "../destinations/mlflow/index.ts";
import { readServerUrl } from "../http/url.ts";
import type { DestinationName } from "../model/records.ts";
import { runLogStore } from "../stores/remote.ts";
import type { Credentials, Destination } from "../sync/destination.ts";
import { UsageError } from "./command.ts";

/**
 * Destinations of a command line. Credentials of the environment go only to the origin that the environment itself
 * names: MLFLOW_TRACKING_USERNAME, _PASSWORD and _TOKEN to MLFLOW_TRACKING_URI, RUNLOG_TOKEN to RUNLOG_SERVER, and so the user info in these two.
 */

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The kind and address in `--to`: `http(s)://...` is a run-log store, `mlflow+http(s)://...` MLflow.
 * @throws {UsageError} for anything else.
 */
export function parseTo(text: string, option = "--to"): DestinationName {
  const [, tracker, url] = /^(mlflow\+)?(https?:\/\/.+)$/i.exec(text) ?? [];
  if (url === undefined || !URL.canParse(url)) {
    throw new UsageError(
      `${option} must be http(s)://... for a run-log store or mlflow+http(s)://... for MLflow`,
    );
  }
  return { kind: tracker === undefined ? "runlog" : "mlflow", url };
}

/** The destination of that name, or undefined when this version knows no such kind. */
export function destinationOf(
  name: DestinationName,
  env: Environment,
  token?: string,
): Destination | undefined {
  const { kind, url } = name;
  const credentials = token === undefined ? credentialsOf(name, env) : { token };
  if (kind === "mlflow") return mlflow(url, credentials);
  if (kind === "runlog") return runLogStore(url, credentials);
  return undefined;
}

function credentialsOf({ kind, url }: DestinationName, env: Environment): Credentials {
  const named = kind === "mlflow" ? env.MLFLOW_TRACKING_URI : env.RUNLOG_SERVER;
  if (named === undefined || !sameOrigin(url, named)) return {};
  const { userInfo } = readServerUrl(named);
  if (kind === "runlog") return { ...userInfo, ...present({ token: env.RUNLOG_TOKEN }) };
  const { MLFLOW_TRACKING_USERNAME: username, MLFLOW_TRACKING_PASSWORD: password } = env;
  return { ...userInfo, ...present({ username, password, token: env.MLFLOW_TRACKING_TOKEN }) };
}

function present(values: Readonly<Record<string, string | undefined>>): Credentials {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && value !== ""),
  );
}

function sameOrigin(url: string, named: string): boolean {
  return URL.canParse(named) && URL.canParse(url) && new URL(named).origin === new URL(url).origin;
}
