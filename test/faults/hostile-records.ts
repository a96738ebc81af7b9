/** Records as no writer makes them, as JSON text; the segment around them is well-formed, crc and all. */

const time = 1_700_000_000_000;
const big = 2 ** 53;

function metrics(change: object): object {
  return {
    type: "metrics",
    task: "main",
    keys: ["loss"],
    key: [0],
    step: [0],
    time: [time],
    value: [1],
    ...change,
  };
}
const run = (change: object): object => ({ type: "run", time, uid: "0".repeat(32), store: "", ...change });
const value = (change: object): object => ({
  type: "value",
  task: "main",
  key: "k",
  step: 0,
  time,
  json: 1,
  ...change,
});
const task = (change: object): object => ({
  type: "task",
  task: "t",
  attempt: 1,
  status: "SUCCESS",
  time,
  ...change,
});

/** Each is refused as damaged. */
export const malformed: Readonly<Record<string, string>> = texts({
  null: null,
  "a number": 5,
  "a list": [],
  "a text": "metrics",
  "no type": {},
  "a type that is a number": { type: 1 },
  "metrics without columns": { type: "metrics", task: "main" },
  "columns of other lengths": metrics({ value: [1, 2] }),
  "a key index below 0": metrics({ key: [-1] }),
  "a key index past the keys": metrics({ key: [1] }),
  "a key index that is a text": metrics({ key: ["0"] }),
  "columns that are texts": metrics({ key: "0", step: "0", time: "0", value: "0" }),
  "columns that are objects": metrics({ key: { 0: 0, length: 1 }, step: { 0: 0, length: 1 } }),
  "a step past 2^53": metrics({ step: [big] }),
  "a step between steps": metrics({ step: [0.5] }),
  "a time of 1e308": metrics({ time: [1e308] }),
  "times that add up past every date": metrics({
    key: [0, 0],
    step: [0, 1],
    value: [1, 1],
    time: [8e15, 8e15],
  }),
  "a value that is null": metrics({ value: [null] }),
  "a value that is an object": metrics({ value: [{ valueOf: 1 }] }),
  "a value of another word": metrics({ value: ["nan"] }),
  "keys that are numbers": metrics({ keys: [1] }),
  "a task that is an object": metrics({ task: {} }),
  "an attempt of 1e308": metrics({ attempt: 1e308 }),
  "a value at step 1e300": value({ step: 1e300 }),
  "a value at no time": value({ time: "now" }),
  "a value's key that is a list": value({ key: ["k"] }),
  "a task's attempt of 0.5": task({ attempt: 0.5 }),
  "a task's unknown status": task({ status: "DONE" }),
  "a task's message that is an object": task({ message: {} }),
  "a uid of another form": run({ uid: "../../etc" }),
  "parameters that are a list": run({ parameters: [1] }),
  "a parameter that is no stored value": run({ parameters: { a: 1 } }),
  "labels that are numbers": run({ labels: { a: 1 } }),
  "a tag that is an object": run({ tag: { toString: 1 } }),
  "positions below 0": run({ seen: { aaaaaaaaaaa0: -1 } }),
  "ended that are numbers": run({ ended: [1] }),
  "a destination's kind that is a path": run({ destinations: [{ kind: "../x", url: "http://x" }] }),
  "destinations without url": run({ destinations: [{ kind: "runlog" }] }),
  "a rewind to 0.5": run({ rewindTo: 0.5 }),
  "a start at 1e17": run({ time: 1e17 }),
  "a parameter's name that is null": { type: "parameter", name: null, time, json: 1 },
  "a label's text that is a number": { type: "label", name: "a", value: 1, time },
  "an artifact of 1e308 bytes": {
    type: "artifact",
    name: "a",
    task: "main",
    time,
    stage: "put",
    sha256: "",
    size: 1e308,
  },
  "1e308 lost": { type: "lost", reason: "full", count: 1e308 },
  "less than nothing lost": { type: "lost", reason: "full", count: -5 },
  "a finish without status": { type: "finish", time },
  "a finish by an object": { type: "finish", status: "FAIL", time, signal: {} },
  "a value 1,000 levels deep": value({ json: nested(1_000) }),
  "a model 1,000 levels deep": run({ model: nested(1_000) }),
  "a host 1,000 levels deep": run({ host: nested(1_000) }),
  "a parameter's meta 1,000 levels deep": {
    type: "parameter",
    name: "a",
    time,
    json: 1,
    meta: nested(1_000),
  },
});

/** Each is within its schema and still meant to do harm; the readers take them. */
export const nasty: Readonly<Record<string, string>> = {
  ...texts({
    "a type that this version does not know, __proto__": { type: "__proto__", a: 1 },
    "a type constructor": { type: "constructor" },
    "the last date there is": value({ time: 8.64e15 }),
    "the first date there is": value({ time: -8.64e15 }),
    "steps of 2^53 - 1": metrics({ step: [big - 1] }),
    "an attempt below 0": metrics({ attempt: -(big - 1) }),
    "a rich parameter that its meta does not fit": {
      type: "parameter",
      name: "p",
      time,
      json: "x",
      meta: { values: ["bigint"], v: 1 },
    },
    "a parameter that holds itself": {
      type: "parameter",
      name: "p",
      time,
      json: { a: { b: 1 } },
      meta: { values: { a: ["map"] }, referentialEqualities: { a: ["a.b"] }, v: 1 },
    },
    "a parameter as long as its json says": {
      type: "parameter",
      name: "p",
      time,
      json: 4e9,
      meta: { values: [["typed-array", "Uint8Array"]], v: 1 },
    },
    "a list as long as its length says": {
      type: "parameter",
      name: "p",
      time,
      json: { length: 4e9 },
      meta: { values: [["custom", "ArrayBuffer"]], v: 1 },
    },
    "a meta that is a text": {
      type: "parameter",
      name: "p",
      time,
      json: 1,
      meta: { values: "endless", v: 1 },
    },
    "a parameter 200 levels deep": { type: "parameter", name: "p", time, json: nested(200) },
    "a rich parameter 200 levels deep": {
      type: "parameter",
      name: "p",
      time,
      json: [nested(200), "x"],
      meta: { values: { 1: ["Date"] }, v: 1 },
    },
    "a million characters of a bigint": {
      type: "parameter",
      name: "p",
      time,
      json: "9".repeat(1_000_000),
      meta: { values: ["bigint"], v: 1 },
    },
    "a parameter of 20,000 values": {
      type: "parameter",
      name: "p",
      time,
      json: Array.from({ length: 20_000 }, () => 0),
    },
    "a parameter of 2 MB": { type: "parameter", name: "p", time, json: "x".repeat(2_000_000) },
    "an empty name": task({ task: "" }),
    "a name of 100,000 characters": metrics({ keys: ["n".repeat(100_000)] }),
    "half a character": value({ key: "\ud800", json: "\udc00" }),
    "writers that nobody is": run({ ended: ["__proto__", "constructor", ""], seen: { constructor: 1 } }),
    "a lost without time and end": { type: "lost", reason: "", count: big - 1 },
  }),
  "a value past every number": JSON.stringify(metrics({})).replace('"value":[1]', '"value":[1e999]'),
  "a key twice": JSON.stringify(value({})).replace('"json":1', '"json":1,"json":{"__proto__":2}'),
  "__proto__ beside its fields": JSON.stringify(task({})).replace(
    '{"type"',
    '{"__proto__":{"message":{}},"type"',
  ),
};

/** Within its schema, and dear to a reader that goes through it again and again. */
export const dear: Readonly<Record<string, readonly string[]>> = {
  "40,000 attempts": many(40_000, (attempt) => task({ attempt })),
  "20,000 starts that end each other": many(20_000, (at) =>
    run({ ended: ["aaaaaaaaaaa1"], seen: { aaaaaaaaaaa1: at } }),
  ),
  "20,000 rewinds": many(20_000, (at) => run({ rewindTo: at, seen: { aaaaaaaaaaa0: 0, aaaaaaaaaaa1: 1 } })),
  "30,000 tasks": many(30_000, (at) => metrics({ task: `t${at}` })),
  "200,000 keys": [JSON.stringify(metrics({ keys: Array.from({ length: 200_000 }, (_, at) => `k${at}`) }))],
  "100,000 metrics of one key each": many(1, () => {
    const column = (item: (at: number) => unknown): unknown[] =>
      Array.from({ length: 100_000 }, (_, at) => item(at));
    const keys = column((at) => `k${at}`);
    return metrics({
      keys,
      key: column((at) => at),
      step: column(() => 0),
      time: column(() => 1),
      value: column(() => 1),
    });
  }),
  "20,000 parameters of one meta": many(20_000, (at) => ({
    type: "parameter",
    name: `p${at}`,
    time,
    json: 1,
    meta: { values: "s" },
  })),
};

function many(count: number, make: (at: number) => object): string[] {
  return Array.from({ length: count }, (_, at) => JSON.stringify(make(at)));
}

function nested(levels: number): unknown {
  let json: unknown = 1;
  for (let level = 0; level < levels; level++) json = level % 2 === 0 ? [json] : { a: json };
  return json;
}

function texts(records: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(records).map(([name, record]) => [name, JSON.stringify(record)]));
}
