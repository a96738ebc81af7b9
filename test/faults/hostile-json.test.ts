import { mkdirSync, writeFileSync } from "node:fs";
import {
  defineMetrics,
  isRunlogError,
  memoryStore,
  type OpenedStore,
  openStore,
  type Row,
  runLogStore,
  startRun,
} from "runlog";
import { type Serving, serve } from "runlog/server";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import * as z from "zod/mini";
import { parseJson } from "../../src/model/json.ts";
import { encodeSegment } from "../../src/model/segment-line.ts";
import { filesystemStore } from "../../src/stores/filesystem/index.ts";
import { cli } from "../cli/cli.ts";
import { listOf, someUid, writerOf } from "../contract/segments.ts";
import { scriptedServer } from "../http/scripted-server.ts";
import { toObject } from "../model/arbitraries.ts";
import { temporaryFolder } from "./child.ts";
import { count } from "./count.ts";
import { hostileJson, hostileKey, hostileMeta, hostileName, sample } from "./hostile-values.ts";
import { changedIntrinsics, lookAtIntrinsics } from "./intrinsics.ts";

/**
 * JSON that was made to reach prototypes, through everything that reads or writes it: no object of the program changes,
 * and each key is kept as it was given or refused before anything is.
 */

vi.setConfig({ testTimeout: 1_200_000 });

const seed = Number(process.env["RUNLOG_SEED"] ?? Date.now() % 1_000_000);
process.stderr.write(`hostile JSON: RUNLOG_SEED=${seed}\n`);
const inputs = count({ ci: 1_000, long: 10_000 });
const groupSize = 25;
const groups = inputs / groupSize;

const before = lookAtIntrinsics();
const folder = temporaryFolder();
const place = folder.path("store");
const there = memoryStore();
let server: Serving;
let here: OpenedStore & ReturnType<typeof filesystemStore>;
beforeAll(async () => {
  server = await serve({ store: there, port: 0 });
  here = openStore(filesystemStore(place));
});
afterAll(async () => {
  await here.close();
  await server.close();
  folder.remove();
});

interface Input {
  readonly name: string;
  readonly value: unknown;
}

const text = (value: unknown): string => JSON.stringify(value) ?? "undefined";
const entriesOf = (object: object): string =>
  text(Object.entries(object).sort(([one], [other]) => (one < other ? -1 : 1)));

/** What was tracked, as rows tell it; the environment's are tracked into `main`. */
function expectRows(rows: readonly Row[], given: readonly Input[], where: string): void {
  for (const [step, { name, value }] of given.entries()) {
    for (const task of ["main", name]) {
      const row = rows.find((each) => each.task === task && each.key === name && each.step === step);
      expect(text(row?.value), `${where}: step ${step} of '${name}' in '${task}'`).toBe(text(value));
    }
    const fromEnvironment = rows.find(({ key }) => key === `env_${step}`);
    expect(text(fromEnvironment?.value), `${where}: env_${step}`).toBe(text(value));
  }
}

async function track(given: readonly Input[], at: number): Promise<string> {
  const store = filesystemStore(place);
  const each = toObject(given.map(({ name, value }) => [name, value])) as Record<string, unknown>;
  const labels = toObject(given.map(({ name }) => [name, name])) as Record<string, string>;
  const shape = toObject(given.map(({ name }) => [name, z.any()])) as Record<
    string,
    ReturnType<typeof z.any>
  >;
  const metrics = at % 2 === 0 ? undefined : defineMetrics(shape, { others: true });
  const run = startRun({
    store,
    tag: "tag",
    parameters: each,
    labels,
    metrics,
    syncTo: [runLogStore(server.url)],
    quiet: true,
  });
  for (const [step, { name, value }] of given.entries()) {
    run.track(toObject([[name, value]]) as Record<string, unknown>, { step });
    await run.task(name, (task) =>
      task.track(toObject([[name, value]]) as Record<string, unknown>, { step }),
    );
    process.env[`MAGNUS_TRACK_ENV_${step}`] = text(value);
  }
  process.env["MAGNUS_TRACK___PROTO__"] = '{"__proto__":{"polluted":true}}';
  const report = await run.finish("SUCCESS", { timeout: 20_000 });
  expect(report).toMatchObject({ invalid: 0, refused: 0, environment: [], storage: "disk" });
  expect(report.destinations[server.url]).toMatchObject({ state: "done", pending: 0, setAside: 0 });
  await store.close();
  return run.id;
}

async function expectReadBack(run: string, given: readonly Input[]): Promise<void> {
  const parameters = entriesOf(toObject(given.map(({ name, value }) => [name, value])));
  const labels = entriesOf(toObject(given.map(({ name }) => [name, name])));
  const remote = runLogStore(server.url);
  const copy = openStore(memoryStore());
  await copy.import(await here.export(run));
  for (const [where, store] of [
    ["here", here],
    ["there", openStore(remote)],
    ["imported", copy],
  ] as const) {
    expectRows(await store.rows(run), given, where);
    for await (const summary of store.runs({ where: { run } })) {
      expect(entriesOf(summary.parameters), where).toBe(parameters);
      expect(entriesOf(summary.labels), where).toBe(labels);
    }
    expect(entriesOf((await store.runLog(run)).parameters), where).toBe(parameters);
  }
  const log = parseJson(await (await fetch(`${server.url}/v1/runs/${run}`)).text()) as { parameters: object };
  expect(entriesOf(log.parameters)).toBe(parameters);
  for (const { name } of given.slice(0, 3)) {
    const [last] = given.filter((each) => each.name === name).slice(-1);
    const where = toObject([[`parameters.${name}`, { eq: last?.value }]]) as Record<string, unknown>;
    expect((await listOf(remote.runs({ where }))).map((found) => found.run)).toContain(run);
    const steps = given.flatMap((each, step) => (each.name === name ? [step] : []));
    const query = new URLSearchParams({ key: name, task: name });
    const series = parseJson(await (await fetch(`${server.url}/v1/runs/${run}/series?${query}`)).text()) as {
      value: unknown;
    };
    expect(text(series.value)).toBe(text(steps.map((step) => given[step]?.value)));
  }
}

describe("hostile JSON", () => {
  it(`tracked ${inputs} times comes back as it was given, from every store, and changes no prototype`, async () => {
    const names = sample(hostileName, inputs, seed);
    const values = sample(hostileJson, inputs, seed + 1);
    const runs: string[] = [];
    const all: string[] = [];
    for (let group = 0; group < groups; group++) {
      const given = Array.from({ length: groupSize }, (_, at) => {
        const index = group * groupSize + at;
        return { name: names[index] as string, value: values[index] };
      });
      runs.push(await track(given, group));
      all.push(entriesOf(toObject(given.map(({ name, value }) => [name, value]))));
      await expectReadBack(runs[group] as string, given);
      expect(changedIntrinsics(before), `group ${group}`).toEqual([]);
    }
    const listed = await cli(["runs", "--json", "--store", place]);
    const found = new Map(
      (parseJson(listed.stdout) as { run: string; parameters: object }[]).map((each) => [each.run, each]),
    );
    for (const [group, run] of runs.entries())
      expect(entriesOf(found.get(run)?.parameters ?? {})).toBe(all[group]);
    const [one, two] = runs as [string, string];
    const shown = await cli(["show", one, "--json", "--store", place]);
    expect(entriesOf((parseJson(shown.stdout) as { parameters: object }).parameters)).toBe(all[0]);
    for (const args of [
      ["show", one],
      ["compare", one, two],
      ["compare", one, two, "--json"],
      ["runs"],
      ["runs", "--where", "__proto__=1"],
    ]) {
      const ended = await cli([...args, "--store", place]);
      expect(ended.code, `${args.join(" ")}: ${ended.stderr}`).toBe(args.includes("--where") ? 1 : 0);
    }
  });

  it("beside values that JSON lacks is refused whole, or comes back", async () => {
    const store = memoryStore();
    const run = startRun({ store, syncTo: [], quiet: true });
    const values = sample(hostileJson, inputs, seed + 2).map((value, step) => ({
      value,
      at: [new Date(step), 1n],
    }));
    const kept = new Map<number, unknown>();
    for (const [step, value] of values.entries()) {
      try {
        run.track({ good: step, value }, { step });
        kept.set(step, value);
      } catch (error) {
        expect(isRunlogError(error, "invalid"), String(error)).toBe(true);
        expect(text(error)).toMatch(/__proto__|constructor|prototype/);
      }
    }
    await run.finish();
    const rows = await openStore(store).rows(run.id);
    expect(rows.length).toBe(2 * kept.size);
    expect(kept.size).toBeGreaterThan(inputs / 20);
    for (const row of rows.filter(({ key }) => key === "value"))
      expect(row.value).toEqual(kept.get(row.step));
    expect(changedIntrinsics(before)).toEqual([]);
  });

  it(`in ${inputs} segments of others, superjson's meta and metric models among it, changes nothing and stops no reader`, async () => {
    const store = openStore(memoryStore());
    const [keys, values, metas] = [
      sample(hostileKey, inputs, seed + 3),
      sample(hostileJson, inputs, seed + 4),
      sample(hostileMeta, inputs, seed + 5),
    ];
    const behind = await serve({ store, port: 0 });
    for (let group = 0; group < groups; group++) {
      const run = `others-${group}`;
      const part = <T>(list: readonly T[]): T[] => list.slice(group * groupSize, (group + 1) * groupSize);
      const stored = part(values).map((json, at) => ({ json, meta: part(metas)[at] }));
      const named = toObject(part(keys).map((key, at) => [key, stored[at]]));
      const records = [
        {
          type: "run",
          time: 1,
          uid: someUid,
          store: "",
          parameters: named,
          labels: toObject(part(keys).map((key) => [key, key])),
          model: { properties: toObject(part(keys).map((key, at) => [key, part(values)[at]])) },
          host: part(values)[0],
          code: part(values),
        },
        ...part(keys).flatMap((key, step) => [
          { type: "value", task: key, key, step, time: 2, ...stored[step] },
          { type: "metrics", task: key, keys: [key], key: [0], step: [step], time: [3], value: [step] },
          { type: "parameter", name: key, time: 4, ...stored[step] },
          { type: key, json: part(values)[step] },
          toObject([
            // Its own fields win over a key of their name.
            [key, part(values)[step]],
            ["type", "task"],
            ["task", key],
            ["attempt", 1],
            ["status", "SUCCESS"],
            ["time", 5],
          ]),
        ]),
      ];
      // A record must not lose its type to a key of that name.
      const lines = records.map((record) => text(record));
      await store.append([encodeSegment({ run, writer: writerOf(0), seq: 0, clock: 1 }, lines)]);
      const rows = await store.rows(run);
      expect(rows.filter(({ value }) => typeof value === "number").length).toBeGreaterThanOrEqual(groupSize);
      JSON.stringify(await store.runLog(run));
      expect(changedIntrinsics(before), `group ${group}`).toEqual([]);
    }
    const local = await listOf(store.runs());
    const remote = await listOf(runLogStore(behind.url).runs());
    expect(local).toHaveLength(groups);
    expect(remote.map(({ run }) => run)).toEqual(local.map(({ run }) => run));
    for (const [at, { parameters }] of remote.entries()) expect(parameters).toEqual(local[at]?.parameters);
    await behind.close();
    expect(changedIntrinsics(before)).toEqual([]);
  });

  it(`in the ledger's files, in queries and in the answers of a server changes nothing`, async () => {
    const tries = Math.ceil(inputs / 5);
    const values = sample(hostileJson, tries, seed + 6);
    const store = filesystemStore(folder.path("ledger"));
    const ledger = folder.path("ledger", ".journal", "run", "ledger");
    mkdirSync(ledger, { recursive: true });
    let answer: unknown;
    const hostile = await scriptedServer((_, response) =>
      response.writeHead(200, { "content-type": "application/json" }).end(text(answer)),
    );
    const remote = runLogStore(hostile.url);
    const settles = async (work: Promise<unknown>): Promise<void> => {
      await work.catch((error: unknown) => expect(isRunlogError(error), String(error)).toBe(true));
    };
    for (const value of values) {
      const entry = { url: "http://x", position: value, delivered: 0, setAside: 0, state: value };
      for (const json of [value, entry, { ...entry, position: {} }]) {
        writeFileSync(`${ledger}/other-00000000.json`, text(json));
        const read = await store.ledger.read("run", "other-00000000");
        if (read !== undefined) expect(Object.values(read.position).every(Array.isArray)).toBe(true);
      }
      await settles(listOf(store.runs({ where: { [text(value)]: value, "parameters.a": value } })));
      for (answer of [value, { next: value }, { runs: value }, { runs: [value], cursor: value }]) {
        await settles(remote.position("run"));
        await settles(listOf(remote.runs()));
        await settles(listOf(remote.segments("run")));
      }
    }
    await hostile.stop();
    await store.close();
    expect(changedIntrinsics(before)).toEqual([]);
  });
});
