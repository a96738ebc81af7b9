import type { LedgerEntry } from "../../stores/store.ts";
import type { Credentials, Destination, Problem, Secret } from "../../sync/destination.ts";
import { deliver } from "./deliver.ts";
import type { State } from "./state.ts";

export type { Credentials, Destination, Problem, Secret } from "../../sync/destination.ts";

/** What `mlflow()` may be told besides the URL. */
export interface MlflowOptions {
  /** The experiment of all runs. @default each run's tag, or "Default" */
  readonly experiment?: string;
  /** Whether metrics of tasks other than `main` are named `<task>/<key>`. @default true */
  readonly taskPrefix?: boolean;
  /** With `password`: HTTP basic authentication. Both beat `token`, as in MLflow's own client. */
  readonly username?: Secret;
  readonly password?: Secret;
  /** A bearer token, or a function that gives one; it is asked again once after a 401. */
  readonly token?: Secret;
}

/**
 * An MLflow tracking server, for `syncTo`. Runs become runs of the experiment named by their tag, metrics metrics,
 * parameters and other values params; every request can be repeated without doubles on a server that keeps its runs in
 * a database.
 *
 * @param url The tracking URI, `http(s)://…`, also as `mlflow+http(s)://…`. A user name and password in it are used
 *   as credentials and appear nowhere else. Any other URI gives a destination whose `problem` says so; it never throws.
 */
export function mlflow(url: string, options: MlflowOptions = {}): Destination {
  const { experiment, taskPrefix = true } = options;
  const place = placeOf(url);
  const destination: Destination = {
    kind: "mlflow",
    url: place.url,
    ...(place.problem !== undefined && { problem: place.problem }),
    credentials: { ...place.credentials, ...credentialsOf(options) },
    probe: "/version",
    originAdvice,
    deliver: (delivery) => deliver(delivery, { experiment, taskPrefix }),
    notice: (entry) => (entry.state as State).note,
    link: (entry) => linkOf(place.url, entry),
  };
  // Printing or serialising it must not show secrets.
  return Object.defineProperty(destination, "credentials", { enumerable: false });
}

interface Place {
  readonly url: string;
  readonly credentials: Credentials;
  readonly problem?: Problem;
}

/** The URL without user info, query, hash and end slash. */
function placeOf(given: string): Place {
  const text = String(given)
    .trim()
    .replace(/^mlflow\+(?=https?:)/i, "");
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) return notHttp(text);
  const parsed = new URL(text);
  const { username, password } = parsed;
  return {
    url: `${parsed.origin}${parsed.pathname}`.replace(/\/+$/, ""),
    credentials: {
      ...(username !== "" && { username: decoded(username) }),
      ...(password !== "" && { password: decoded(password) }),
    },
  };
}

function notHttp(text: string): Place {
  const url = text.replace(/\/\/[^/]*@/, "//").slice(0, 200);
  return {
    url,
    credentials: {},
    problem: {
      code: "invalid_url",
      message: `the MLflow tracking URI must begin with http:// or https://, found '${url}'`,
      action: "start `mlflow server` and give its address, such as http://127.0.0.1:5000",
    },
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a lone % in a password: meant as it stands
  }
}

function credentialsOf({ username, password, token }: MlflowOptions): Credentials {
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(token !== undefined && { token }),
  };
}

/** MLflow lets pages of other hosts than localhost in only by exact origin: patterns fail at the preflight. */
function originAdvice(origin: string): string {
  return (
    `start MLflow with --cors-allowed-origins ${origin} (or MLFLOW_SERVER_CORS_ALLOWED_ORIGINS=${origin}); ` +
    "it takes exact origins, patterns do not pass the preflight"
  );
}

function linkOf(url: string, entry: LedgerEntry): string | undefined {
  const { experiment, run } = entry.state as State;
  return experiment === undefined || run === undefined
    ? undefined
    : `${url}/#/experiments/${experiment.id}/runs/${run}`;
}
