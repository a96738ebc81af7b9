/**
 * Chrome's Local Network Access (from 142): pages of public sites need the user's permission, and https, to call
 * servers on the local network or on this machine. Seen in Chromium 156: a refused call fails like a dead server, also
 * without CORS; `navigator.permissions` tells the state under the names below. Firefox and Safari know neither.
 */

/**
 * - `denied`: the user, or nobody, allows it; calls fail.
 * - `insecure`: the page is not served by https, so it cannot be asked for.
 * - `prompt`: the browser asks at a call that reaches a server, so a server that is down looks the same.
 * - `open`: nothing stands between them, or this browser does not restrict such calls.
 */
export type LocalAccess = "denied" | "insecure" | "prompt" | "open";

/** What this browser does with calls from the page at `here` to `url`. */
export async function localAccess(here: string, url: string): Promise<LocalAccess> {
  const target = closeness(new URL(url).hostname);
  if (target <= closeness(new URL(here).hostname)) return "open";
  const state = await stateOf(target === 2 ? "loopback-network" : "local-network");
  if (state === "prompt") return "prompt";
  if (state !== "denied") return "open";
  return globalThis.isSecureContext ? "denied" : "insecure";
}

/** True for names of this machine, which browsers let https pages call by http (Safari does not). */
export function isLoopback(url: string): boolean {
  return closeness(new URL(url).hostname) === 2;
}

/** 2: this machine; 1: the local network; 0: anywhere, as far as a name tells. */
function closeness(host: string): 0 | 1 | 2 {
  if (/^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(host)) return 2;
  const local = /^(10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|\[f[cd]|\[fe[89ab])|\.local$/;
  return local.test(host) ? 1 : 0;
}

/** Undefined where the browser has no such permission. Chrome 142 to 144 had one name for both. */
async function stateOf(name: string): Promise<PermissionState | undefined> {
  return (await query(name)) ?? (await query("local-network-access"));
}

function query(name: string): Promise<PermissionState | undefined> {
  const asked = globalThis.navigator?.permissions?.query({ name: name as PermissionName });
  // A name that the browser does not know is a TypeError: it restricts nothing under it.
  return Promise.resolve(asked).then(
    (status) => status?.state,
    () => undefined,
  );
}
