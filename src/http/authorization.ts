import type { Credentials, Problem, Secret } from "../sync/destination.ts";

/** Turns credentials into the Authorization header of requests, asking functions only when it must. */
export interface Authorization {
  /** The header's value; undefined without credentials; a problem when they cannot make a header. */
  header(): Promise<{ readonly value?: string; readonly problem?: Problem }>;
  /** Forgets what functions said, after a 401. True when asking again may help. */
  renew(): boolean;
  /** `text` with every secret that was used struck out. */
  redact(text: string): string;
}

/** User name and password beat a token, as in MLflow; an empty text counts as absent. */
export function createAuthorization(credentials: Credentials): Authorization {
  const cache = new Map<keyof Credentials, Promise<string>>();
  const used = new Set<string>();
  const asksFunctions = Object.values(credentials).some((secret) => typeof secret === "function");

  async function read(name: keyof Credentials): Promise<string> {
    const secret = credentials[name];
    if (secret === undefined) return "";
    const value = cache.get(name) ?? Promise.resolve(ask(name, secret));
    cache.set(name, value);
    value.catch(() => cache.delete(name)); // a function that failed is asked anew; the caller sees the failure itself
    return value;
  }

  async function build(): Promise<string | undefined> {
    const [username, password] = [await read("username"), await read("password")];
    if (username !== "" && password !== "") {
      const pair = base64(`${username}:${password}`);
      for (const secret of [pair, password]) used.add(secret);
      return `Basic ${pair}`;
    }
    const token = await read("token");
    if (token === "") return undefined;
    if (!/^[\x21-\x7e]+$/.test(token))
      throw new CredentialFault("token", "holds characters that no HTTP header can carry");
    used.add(token);
    return `Bearer ${token}`;
  }

  return {
    async header() {
      try {
        const value = await build();
        return value === undefined ? {} : { value };
      } catch (fault) {
        return { problem: problemOf(fault) };
      }
    },
    renew() {
      cache.clear();
      return asksFunctions;
    },
    redact: (text) => [...used].reduce((left, secret) => left.replaceAll(secret, "***"), text),
  };
}

class CredentialFault extends Error {
  constructor(name: keyof Credentials, what: string) {
    super(`the option '${name}' ${what}`);
  }
}

async function ask(name: keyof Credentials, secret: Secret): Promise<string> {
  if (typeof secret !== "function") return text(name, secret);
  let value: unknown;
  try {
    value = await secret();
  } catch (cause) {
    // Its message may hold the secret or what it was made of, so only its kind is told.
    throw new CredentialFault(
      name,
      `is a function that threw ${cause instanceof Error ? cause.name : "something"}`,
    );
  }
  return text(name, value);
}

function text(name: keyof Credentials, value: unknown): string {
  if (typeof value !== "string")
    throw new CredentialFault(name, `must be or give a string, found ${typeof value}`);
  return name === "token" ? value.trim() : value;
}

function problemOf(fault: unknown): Problem {
  if (!(fault instanceof CredentialFault)) throw fault;
  return {
    code: "credentials",
    message: `no credentials to send: ${fault.message}`,
    action: "give a string, or a function that resolves to one",
  };
}

/** Base64 of the UTF-8 bytes: `btoa` alone refuses what is not Latin-1. */
function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
