import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/**
 * The records of W&B's transaction log: messages of its `wandb_internal.proto`, of which only what an export says is
 * here. The numbers are those of the fields there.
 */

type Field = (writer: BinaryWriter) => void;

/** The content of a record: one of its kinds. */
export type Content = Field;

/** A name with its value as JSON text, where NaN, Infinity and -Infinity are bare words. */
export type Item = readonly [name: string, json: string];

export interface RunMessage {
  readonly id: string;
  readonly project: string;
  readonly displayName: string;
  readonly config: Iterable<Item>;
  readonly notes: string;
  readonly tags: readonly string[];
  /** Milliseconds since 1970. */
  readonly started: number;
  readonly git: { readonly remote: string; readonly commit: string } | undefined;
}

/** The bytes of the record with this number in its log, from 1. */
export function encodeRecord(number: number, content: Content): Uint8Array {
  const writer = new BinaryWriter();
  integer(1, number)(writer);
  content(writer);
  return writer.finish();
}

/** Says who wrote the log, and the oldest W&B that may read it, as W&B itself says. */
export function header(): Content {
  return message(21, [message(1, [text(1, "runlog"), text(2, "0.70.0")])]);
}

export function run({ id, project, displayName, config, notes, tags, started, git }: RunMessage): Content {
  return message(17, [
    text(1, id),
    text(3, project),
    message(4, updates(config, 1)),
    text(8, displayName),
    text(9, notes),
    ...tags.map((tag) => text(10, tag)),
    message(17, timestamp(started)),
    ...(git === undefined ? [] : [message(21, [text(1, git.remote), text(2, git.commit)])]),
  ]);
}

/** A later change of the config. */
export function config(items: Iterable<Item>): Content {
  return message(5, updates(items, 1));
}

/** Files of the directory's `files` to upload. */
export function files(paths: readonly string[]): Content {
  return message(
    6,
    paths.map((path) => message(1, [text(1, path)])),
  );
}

/** `define_metric(name, step_metric=stepMetric)`: what the metric is drawn over. */
export function metric(name: string, stepMetric: string): Content {
  // In the names of metrics a dot leads into a nested value.
  const escaped = name.replaceAll(".", "\\.");
  const options = message(6, [integer(1, 1), integer(3, 1)]);
  return message(12, [text(1, escaped), text(4, stepMetric), options]);
}

export function history(step: number, items: Iterable<Item>): Content {
  return message(2, [...updates(items, 2), message(2, [integer(1, step)])]);
}

export function summary(items: Iterable<Item>): Content {
  return message(3, updates(items, 2));
}

/** @param runtime whole seconds */
export function exit(code: number, runtime: number): Content {
  return message(18, [integer(1, code), integer(2, runtime)]);
}

/** @param name the field of the name: 1, or 2 for a path of names, whose dots need no escape */
function updates(items: Iterable<Item>, name: 1 | 2): Field[] {
  return Array.from(items, ([key, json]) => message(1, [text(name, key), text(16, json)]));
}

function timestamp(millis: number): Field[] {
  const seconds = Math.floor(millis / 1_000);
  return [integer(1, seconds), integer(2, Math.round((millis - seconds * 1_000) * 1_000_000))];
}

function text(number: number, value: string): Field {
  return (writer) => void writer.tag(number, WireType.LengthDelimited).string(value);
}

function integer(number: number, value: number): Field {
  return (writer) => void writer.tag(number, WireType.Varint).int64(value);
}

function message(number: number, fields: readonly Field[]): Field {
  return (writer) => {
    writer.tag(number, WireType.LengthDelimited).fork();
    for (const field of fields) field(writer);
    writer.join();
  };
}
