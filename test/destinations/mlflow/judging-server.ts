/** A server whose answers a test gives, in front of the fake one. */
import { mlflow } from "../../../src/destinations/mlflow/index.ts";
import { type Answer, type Call, classify } from "../../../src/http/answer.ts";
import type { Destination, Outcome } from "../../../src/sync/destination.ts";
import { type FakeServer, fakeServer } from "./fake-server.ts";
import { type DeliverOptions, deliver, type Held, hold, startWriter } from "./harness.ts";

const destination: Destination = mlflow("http://127.0.0.1:9");

/** The answer of the test's server instead of the fake's; undefined where the fake answers. */
export type Judge = (name: string, body: string, count: number) => Answer | undefined;

export interface Asked {
  readonly server: FakeServer;
  /** `runs/log-batch` and so on, in order. */
  readonly names: string[];
  readonly bodies: string[];
  deliver(held: Held, options?: DeliverOptions): Promise<Outcome>;
}

export function serverThat(judge: Judge): Asked {
  const server = fakeServer();
  const names: string[] = [];
  const bodies: string[] = [];
  const call = async (request: Call): Promise<Answer> => {
    const name = request.path.replace(/\?.*/, "").replace(/^.*\/mlflow\//, "");
    const body = typeof request.body === "string" ? request.body : "";
    names.push(name);
    bodies.push(body);
    const count = names.filter((each) => each === name).length;
    return judge(name, body, count) ?? server.call(request);
  };
  return { server, names, bodies, deliver: (held, more) => deliver(held, destination, { call, ...more }) };
}

export function refuse(status: number, code: string, message: string): Answer {
  const json = { ...(code !== "" && { error_code: code }), message };
  return { class: classify(status), status, json, text: "" };
}

/** A run of `count` losses, one each step. */
export function losses(count: number): Held {
  const held = hold();
  const writer = startWriter(held);
  for (let step = 0; step < count; step++) writer.track("loss", step, step);
  writer.close();
  return held;
}

/** How many batches were sent. */
export const batches = ({ names }: Asked): number => names.filter((name) => name === "runs/log-batch").length;
/** The steps of the metrics that are there. */
export const steps = ({ server }: Asked): number[] =>
  [...server.rows].map((row) => (JSON.parse(row) as [string, number])[1]).sort((one, other) => one - other);
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, step) => step);
