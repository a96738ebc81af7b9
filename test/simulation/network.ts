import type { Clock } from "./clock.ts";
import type { Dice } from "./dice.ts";

/** A network between programs: it delays, and so reorders; it loses, doubles and refuses by chance. */

/** A request or a reply on its way. */
export interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface Reply {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Something that answers. `refused`: nobody listens there. `broken`: it went away before it had answered. */
export interface Host {
  readonly name: string;
  handle(sent: Sent): Promise<Reply | "refused" | "broken">;
}

/** Parts of the requests that go wrong in each way. */
export interface Weather {
  /** Milliseconds that one way may take. */
  readonly delay: number;
  readonly lost: number;
  readonly lostReply: number;
  readonly twice: number;
  /** Another server before ours refuses: 429 or 5xx, sometimes with Retry-After. */
  readonly busy: number;
  /** ... or hides the reply to what was done. */
  readonly hidden: number;
  /** Machines, and pairs of machine and server, that are cut off. */
  readonly cut: ReadonlySet<string>;
}

export const calm: Weather = {
  delay: 20,
  lost: 0,
  lostReply: 0,
  twice: 0,
  busy: 0,
  hidden: 0,
  cut: new Set(),
};

export interface Network {
  weather: Weather;
  /** How many of the next requests lose their reply. */
  loses: number;
  /** Requests that programs made. */
  readonly requests: number;
  /** The `fetch` of the programs of a machine. */
  fetchOf(machine: string): typeof fetch;
}

type Fate = "cut" | "lost" | "lostReply" | "twice" | "busy" | "hidden" | "passes";
const retryAfter = ["1", "20", "0", "-5", "soon", "900", undefined, undefined];

export function createNetwork(
  clock: Clock,
  dice: Dice,
  hostAt: (origin: string) => Host,
  say: (what: string) => void,
): Network {
  let requests = 0;
  const world = clock.current();
  /** A request hears of its caller's limit only while it is held; those that are lost are held by nobody else. */
  const open = new Set<object>();

  const fateOf = (machine: string, host: string): Fate => {
    const { cut, lost, lostReply, twice, busy, hidden } = network.weather;
    if (cut.has(machine) || cut.has(`${machine} ${host}`)) return "cut";
    if (network.loses > 0) {
      network.loses -= 1;
      return "lostReply";
    }
    const passes = Math.max(0, 1 - lost - lostReply - twice - busy - hidden);
    return dice.weighted([
      [passes, "passes"],
      [lost, "lost"],
      [lostReply, "lostReply"],
      [twice, "twice"],
      [busy, "busy"],
      [hidden, "hidden"],
    ]);
  };

  const exchange = (machine: string, sent: Sent, signal: AbortSignal): Promise<Response> =>
    new Promise((resolve, reject) => {
      const caller = clock.current();
      const host = hostAt(new URL(sent.url).origin);
      const fate = fateOf(machine, host.name);
      const way = (): number => dice.small(network.weather.delay);
      const number = ++requests;
      const told = `#${number} ${caller.name} ${sent.method} ${new URL(sent.url).pathname} to ${host.name}`;
      say(`${told}: ${fate}`);
      const back = (reply: Reply | undefined): void =>
        clock.after(way(), caller, () => {
          say(`#${number} back: ${reply?.status ?? "reset"}`);
          if (reply === undefined) reject(new TypeError("fetch failed"));
          else resolve(responseOf(reply));
        });
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      if (fate === "cut") return back(undefined);
      // Half of what is lost is never heard of again: then the caller's own limit ends it.
      if (fate === "lost") return dice.chance(0.5) ? back(undefined) : undefined;
      if (fate === "busy") return back(busyReply(dice));
      const deliver = (millis: number, then: (reply: Reply | undefined) => void): void =>
        clock.after(millis, world, () => {
          void host.handle(sent).then((reply) => then(typeof reply === "string" ? undefined : reply));
        });
      deliver(way(), (reply) => {
        if (fate === "hidden" && reply !== undefined) back(busyReply(dice));
        else if (fate !== "lostReply") back(reply);
        else if (dice.chance(0.5)) back(undefined);
      });
      if (fate === "twice") deliver(way() * 10, () => undefined);
    });

  const network: Network = {
    weather: calm,
    loses: 0,
    get requests() {
      return requests;
    },
    fetchOf: (machine) => async (input, init) => {
      const request = new Request(input, init);
      const body = new Uint8Array(await request.arrayBuffer());
      const { method, url } = request;
      const held = { input, request };
      open.add(held);
      const sent = { method, url, headers: [...request.headers], body };
      return exchange(machine, sent, request.signal).finally(() => open.delete(held));
    },
  };
  return network;
}

function busyReply(dice: Dice): Reply {
  const status = dice.pick([429, 500, 502, 503, 504]) ?? 503;
  const after = dice.pick(retryAfter);
  return {
    status,
    headers: after === undefined ? [] : [["retry-after", after]],
    body: new TextEncoder().encode("<html>busy</html>") as Uint8Array<ArrayBuffer>,
  };
}

function responseOf({ status, headers, body }: Reply): Response {
  const init = { status, headers: headers.map(([name, value]) => [name, value] as [string, string]) };
  return new Response(status === 204 ? null : body, init);
}
