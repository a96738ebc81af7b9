import { readServerUrl } from "../http/url.ts";
import type { DestinationName } from "../model/records.ts";
import { defaultStore } from "./parse.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const addresses = ["MLFLOW_TRACKING_URI", "RUNLOG_SERVER"] as const;
const secrets = [
  "MLFLOW_TRACKING_USERNAME",
  "MLFLOW_TRACKING_PASSWORD",
  "MLFLOW_TRACKING_TOKEN",
  "RUNLOG_TOKEN",
] as const;

/** Every setting as [name, value, where it comes from]. Secrets are only said to be there. */
export function settingsOf(option: string | undefined, env: Environment): string[][] {
  return [
    storeSetting(option, env),
    setting("mode", "RUNLOG_MODE", env, "on"),
    ...addresses.map((name) => setting("syncTo", name, env, "nowhere", withoutSecrets)),
    setting("experiment", "MLFLOW_EXPERIMENT_NAME", env, "the run's tag"),
    setting("run", "RUNLOG_RUN", env, "a new one"),
    ...secrets.map((name) => setting("credentials", name, env, "none", () => "set (not shown)")),
  ];
}

/** What the environment names as destinations, with the variable that does. */
export function environmentDestinations(env: Environment): { name: DestinationName; by: string }[] {
  return addresses.flatMap((by) => {
    const text = env[by];
    if (!text) return [];
    return [
      { name: { kind: by === "RUNLOG_SERVER" ? "runlog" : "mlflow", url: readServerUrl(text).url }, by },
    ];
  });
}

function storeSetting(option: string | undefined, env: Environment): string[] {
  if (option !== undefined) return ["store", option, "option --store"];
  return setting("store", "RUNLOG_STORE", env, defaultStore);
}

function setting(
  name: string,
  variable: string,
  env: Environment,
  byDefault: string,
  show: (text: string) => string = (text) => text,
): string[] {
  const text = env[variable];
  if (text === undefined || text === "") return [name, byDefault, `default (${variable} is not set)`];
  return [name, show(text), `environment ${variable}`];
}

/** User info, query and hash of a URL may hold secrets. */
function withoutSecrets(text: string): string {
  const { url, userInfo } = readServerUrl(text);
  return Object.keys(userInfo).length === 0 ? url : `${url} (with user info, not shown)`;
}
