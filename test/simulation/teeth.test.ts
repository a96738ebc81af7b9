import type { Destination, Position } from "runlog";
import { describe, expect, it } from "vitest";
import type { Call } from "../../src/http/answer.ts";
import { encodeSegment, type Segment } from "../../src/model/segment-line.ts";
import type { Delivery } from "../../src/sync/destination.ts";
import { simulate } from "./simulate.ts";
import { Broken, type Flaws } from "./world.ts";

/** Designs that lose data must be caught by the very simulation that finds nothing wrong with ours. */

/** The seeds that a design is tried with; each must be caught within them. */
const seeds = Array.from({ length: 12 }, (_, index) => index + 1);

async function promiseBroken(flaws: Flaws): Promise<string | undefined> {
  for (const seed of seeds) {
    const error = await simulate(seed, flaws).catch((caught: unknown) => caught);
    if (error instanceof Broken) return error.promise;
  }
  return undefined;
}

/** As a queue that shifts an item off its store to send it. */
function shifting(destination: Destination): Destination {
  const taken = new Set<string>();
  const deliver = (delivery: Delivery): ReturnType<Destination["deliver"]> => {
    async function* segments(from?: Position): AsyncGenerator<Segment> {
      for await (const segment of delivery.segments(from)) {
        const name = `${segment.writer} ${segment.seq}`;
        if (!taken.has(name)) yield segment;
        taken.add(name);
      }
    }
    return destination.deliver(Object.create(delivery, { segments: { value: segments } }) as Delivery);
  };
  return changed(destination, deliver);
}

/** Notes all as delivered before anything is sent. */
function eager(destination: Destination): Destination {
  const deliver = async (delivery: Delivery): ReturnType<Destination["deliver"]> => {
    const position = { ...delivery.ledger.position };
    for await (const { writer, seq } of delivery.segments()) position[writer] = [seq + 1, 0];
    const from = delivery.ledger.position;
    await delivery.save({ position });
    return destination.deliver({
      ...delivery,
      ledger: { ...delivery.ledger, position: from },
      save: async () => undefined,
    });
  };
  return changed(destination, deliver);
}

/** Takes any reply to an append, and none as well, for a confirmation. */
function trusting(destination: Destination): Destination {
  const deliver = (delivery: Delivery): ReturnType<Destination["deliver"]> => {
    const call = async (request: Call): ReturnType<Delivery["call"]> => {
      const answer = await delivery.call(request);
      if (request.method !== "POST" || answer.class === "ok") return answer;
      const lines = new TextDecoder()
        .decode(request.body as Uint8Array)
        .trim()
        .split("\n");
      const next: Record<string, number> = {};
      for (const line of lines) {
        const { writer, seq } = JSON.parse(line) as { writer: string; seq: number };
        next[writer] = seq + 1;
      }
      return { class: "ok", text: "", json: { next } };
    };
    return destination.deliver(Object.create(delivery, { call: { value: call } }) as Delivery);
  };
  return destination.kind === "runlog" ? changed(destination, deliver) : destination;
}

/** After a power cut the last of each writer is put in once more, as a queue does that does not know what it has. */
function putAgain(left: readonly Segment[]): Segment[] {
  const last = new Map(left.map((segment) => [`${segment.run} ${segment.writer}`, segment]));
  return [...last.values()].map((segment) => {
    const text = new TextDecoder().decode(segment.bytes);
    const records = text.slice(text.indexOf('"records":[') + 11, text.lastIndexOf('],"crc"'));
    return encodeSegment({ ...segment, seq: segment.seq + 1 }, [records]);
  });
}

function changed(destination: Destination, deliver: Destination["deliver"]): Destination {
  return Object.create(destination, { deliver: { value: deliver } }) as Destination;
}

describe("the simulation catches", () => {
  it.each<[string, Flaws, RegExp]>([
    ["a store that says saved before it is", { earlyClient: true }, /^acknowledged|^all arrives/],
    ["a server that answers before it is durable", { earlyServer: true }, /^confirmed is durable there/],
    [
      "a courier that takes any reply for a confirmation",
      { destination: trusting },
      /^confirmed is durable there/,
    ],
    [
      "a ledger that is written before the confirmation",
      { destination: eager },
      /^confirmed is durable there/,
    ],
    ["a queue that lets go of what it sends", { destination: shifting }, /^all arrives/],
    ["a store that gives old data a new number after a power cut", { recovers: putAgain }, /^servers hold/],
  ])(
    "%s",
    async (_, flaws, promise) => {
      expect(await promiseBroken(flaws)).toMatch(promise);
    },
    600_000,
  );
});
