import type { Problem } from "../sync/destination.ts";

/** A server's URL as destinations keep it. */
export interface ServerUrl {
  /** Without user info, query, hash and end slash; the text itself when it is no http(s) URL. */
  readonly url: string;
  /** Set when it is no http(s) URL. */
  readonly problem?: Problem;
  /** What stood before the host; empty when nothing did. */
  readonly userInfo: { readonly username?: string; readonly password?: string };
}

/** Takes a server's URL apart. Never throws: an address that cannot work is reported like a server that is down. */
export function readServerUrl(text: string): ServerUrl {
  const found = URL.canParse(text) ? new URL(text) : undefined;
  if (found === undefined || !/^https?:$/.test(found.protocol)) {
    const problem: Problem = {
      code: "invalid_url",
      message: `'${withoutUserInfo(text)}' is no http or https URL`,
      action: "give the server's address, as http://127.0.0.1:4000",
    };
    return { url: withoutUserInfo(text), problem, userInfo: {} };
  }
  const userInfo = {
    ...(found.username !== "" && { username: decoded(found.username) }),
    ...(found.password !== "" && { password: decoded(found.password) }),
  };
  return { url: found.origin + found.pathname.replace(/\/+$/, ""), userInfo };
}

function withoutUserInfo(text: string): string {
  return String(text)
    .slice(0, 200)
    .replace(/^([^/]*\/\/)?[^/@]*@/, "$1");
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a bare % in a password: it means itself
  }
}
