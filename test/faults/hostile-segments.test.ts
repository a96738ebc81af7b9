import { mkdirSync, writeFileSync } from "node:fs";
import { isRunlogError, memoryStore, openStore, resumeRun, runLogStore } from "runlog";
import { serve } from "runlog/server";
import { afterAll, describe, expect, it, vi } from "vitest";
import { encodeSegment, isPlaceholder, type Segment } from "../../src/model/segment-line.ts";
import { filesystemStore } from "../../src/stores/filesystem/index.ts";
import type { Store } from "../../src/stores/store.ts";
import { cli } from "../cli/cli.ts";
import { listOf, segmentOf, textOf, writerOf } from "../contract/segments.ts";
import { scriptedServer } from "../http/scripted-server.ts";
import { collect, temporaryFolder } from "./child.ts";
import { dear, malformed, nasty } from "./hostile-records.ts";

/**
 * Segments whose bytes are whole and whose records are not: a gap where they are read, refused where they come in; the
 * segments around them and the other runs stay what they are.
 */

vi.setConfig({ testTimeout: 120_000 });

const folder = temporaryFolder();
afterAll(folder.remove);

const run = "hostile";
const good = [segmentOf({ run, seq: 0, mark: "first" }), segmentOf({ run, seq: 2, mark: "last" })] as const;
const other = segmentOf({ run: "other", seq: 0, mark: "other" });

/** The run with these records between its good segments. */
function around(records: readonly string[]): [Segment, Segment, Segment] {
  return [
    good[0],
    encodeSegment({ run, writer: writerOf(0), seq: 1, clock: 1_700_000_000_001 }, records),
    good[1],
  ];
}

/** Every way to read gives the good parts; gives what is lost. */
async function readAll(store: Store): Promise<readonly { seq: number; reason: string }[]> {
  const opened = openStore(store);
  const notes = await opened.rows(run, { key: "note" });
  expect(notes.map(({ value }) => value)).toEqual(["first", "last"]);
  expect((await opened.series(run, "note", { task: "main" })).value).toEqual(["first", "last"]);
  expect((await listOf(opened.runs())).map((each) => each.run).sort()).toEqual([run, "other"]);
  const log = await opened.runLog(run);
  JSON.stringify(log);
  await opened.export(run);
  return (log.run_config.runlog["lost"] ?? []) as { seq: number; reason: string }[];
}

async function storeWith(records: readonly string[]): Promise<ReturnType<typeof memoryStore>> {
  const store = memoryStore();
  await store.append([other, ...around(records)]);
  return store;
}

describe("a segment of malformed records", () => {
  it.each(Object.entries(malformed))("%s: is a gap to every reader", async (_, record) => {
    const store = await storeWith([record]);
    const lost = await readAll(store);
    expect(lost.map(({ seq }) => seq)).toEqual([1]);
    expect(lost[0]?.reason).toMatch(/this is no segment: .*record/);
    const server = await serve({ store, port: 0 });
    try {
      expect(await readAll(runLogStore(server.url))).toEqual(lost);
    } finally {
      await server.close();
    }
  });

  it.each(Object.entries(malformed))(
    "%s: is refused by servers and imports, which keep nothing of it",
    async (_, record) => {
      const store = memoryStore();
      const server = await serve({ store, port: 0 });
      const lines = around([record]);
      const file = lines.map((segment) => `${textOf(segment)}\n`).join("");
      try {
        await expect(openStore(store).import(file)).rejects.toMatchObject({ code: "segment_damaged" });
        expect(await listOf(store.segments(run))).toEqual([]);
        await expect(runLogStore(server.url).append(lines)).rejects.toMatchObject({
          code: "segment_damaged",
        });
        expect((await listOf(store.segments(run))).map(textOf)).toEqual([textOf(good[0])]);
      } finally {
        await server.close();
      }
    },
  );

  it("is delivered as a placeholder, and what comes after it as it is", async () => {
    const store = memoryStore();
    const records = Object.values(malformed);
    const all = [
      good[0],
      ...records.map((record, at) =>
        encodeSegment({ run, writer: writerOf(0), seq: at + 1, clock: 1_700_000_000_001 + at }, [record]),
      ),
    ];
    const last = segmentOf({ run, seq: records.length + 1, mark: "last" });
    await store.append([...all, last]);
    const there = memoryStore();
    const server = await serve({ store: there, port: 0 });
    try {
      const { runs } = await openStore(store).sync(runLogStore(server.url), [run]);
      expect(runs.get(run)).toMatchObject({ complete: true });
      const found = await listOf(there.segments(run));
      expect(found.map((segment) => isPlaceholder(segment))).toEqual([
        false,
        ...records.map(() => true),
        false,
      ]);
      expect(textOf(found.at(-1) as Segment)).toBe(textOf(last));
    } finally {
      await server.close();
    }
  });

  it("stops no command on its folder, and no import but its own", async () => {
    const place = folder.path("cli");
    for (const [at, record] of Object.values(malformed).entries()) writeJournal(place, `run-${at}`, [record]);
    writeJournal(place, "fine", ['{"type":"label","name":"a","value":"b","time":1}']);
    const listed = await cli(["runs", "--json", "--store", place]);
    expect(JSON.parse(listed.stdout)).toHaveLength(Object.keys(malformed).length + 1);
    for (const args of [
      ["runs"],
      ["show", "run-0"],
      ["show", "run-3", "--json"],
      ["compare", "run-0", "fine"],
      ["doctor"],
      ["sync"],
    ])
      expect(await cli([...args, "--store", place])).toMatchObject({ code: 0 });
    const exported = await cli(["export", "run-0", "--as", "jsonl", "--out", "-", "--store", place]);
    const imported = await cli(["import", "-", "--store", folder.path("in")], { input: exported.stdout });
    expect(imported).toMatchObject({ code: 1, stdout: "" });
    expect(imported.stderr).toMatch(/^runlog: line 2: this is no segment: /);
  });
});

describe("records within their schemas and still hostile", () => {
  it.each(Object.entries(nasty))(
    "%s: hurts no reader here, behind a server or on a disk",
    async (_, record) => {
      const store = await storeWith([record]);
      await readAll(store);
      const server = await serve({ store, port: 0 });
      try {
        await readAll(runLogStore(server.url));
        for (const path of ["", "?metrics=last", "/series?key=note", "/position"])
          expect((await fetch(`${server.url}/v1/runs/${run}${path}`)).status, path).toBe(200);
      } finally {
        await server.close();
      }
    },
  );

  it("all on one disk hurt no command", async () => {
    const place = folder.path("nasty");
    const records = Object.values(nasty);
    for (const [at, record] of records.entries()) writeJournal(place, `run-${at}`, [record]);
    const runs = records.map((_, at) => `run-${at}`);
    for (const args of [["runs"], ["doctor"], ["compare", ...runs], ["show", "run-7"]])
      expect(await cli([...args, "--store", place])).toMatchObject({ code: 0 });
    for (const args of [["runs"], ["compare", ...runs], ["show", "run-11"]]) {
      const { code, stdout } = await cli([...args, "--json", "--store", place]);
      expect(code).toBe(0);
      JSON.parse(stdout);
    }
  });

  it.each(Object.entries(dear))("%s: cost a reader no more than they are long", async (_, records) => {
    const store = await storeWith(records);
    await readAll(store);
  });
});

describe("names of segments made to harm", () => {
  it("a clock at the end of time breaks no list, and the run is gone on with", async () => {
    const store = memoryStore();
    const last = { run, writer: writerOf(0), clock: 8.64e15 };
    const first = JSON.parse(textOf(good[0])) as { records: object[] };
    await store.append([
      encodeSegment(
        { ...last, seq: 0 },
        first.records.map((record) => JSON.stringify(record)),
      ),
    ]);
    const resumed = await resumeRun({ runId: run, store, syncTo: [], quiet: true });
    for (let step = 0; step < 3; step++) {
      resumed.track({ loss: step }, { step });
      await resumed.flush();
    }
    await resumed.finish();
    expect([...(await openStore(store).series(run, "loss")).value]).toEqual([0, 1, 2]);
    expect((await openStore(store).runLog(run)).run_config.runlog["lost"]).toBeUndefined();
  });

  it("numbers that jump by a million, again and again, make no million placeholders each", async () => {
    const place = folder.path("jumps");
    const lines = Array.from({ length: 12 }, (_, at) => segmentOf({ run, seq: at * 900_000 }));
    write(place, run, lines);
    const store = filesystemStore(place);
    let count = 0;
    for await (const _ of store.segments(run)) count += 1;
    expect(count).toBeLessThan(1_000_100);
    await store.close();
  });

  it("another run's, another writer's and a number that no integer is, in a journal, are damage", async () => {
    const place = folder.path("names");
    const foreign = [segmentOf({ run: "other", seq: 1 }), segmentOf({ run, seq: 1, writer: 5 })];
    write(place, run, [good[0], ...foreign, good[1]]);
    const store = filesystemStore(place);
    const found = await collect(store.segments(run));
    expect(found.map(({ seq, writer }) => [seq, writer])).toEqual([0, 1, 2].map((seq) => [seq, writerOf(0)]));
    expect(found.map((segment) => isPlaceholder(segment))).toEqual([false, true, false]);
    await store.close();
  });
});

describe("a server of hostile lists", () => {
  it.each([
    ["a run id that is a path", { run: "../../x" }],
    ["a start past every date", { started: 1e300 }],
    ["metrics without numbers", { metrics: { loss: {} } }],
    ["a parameter that is no stored value", { parameters: { a: 1 } }],
    ["labels that are objects", { labels: { a: {} } }],
  ])("%s: is said to be malformed", async (_, change) => {
    const summary = {
      run: "a",
      uid: "",
      status: "FAIL",
      started: 1,
      updated: 1,
      parameters: {},
      labels: {},
      metrics: {},
      observations: 0,
      writers: [],
      destinations: [],
      store: "",
      joined: false,
    };
    const server = await scriptedServer((_, response) =>
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ runs: [{ ...summary, ...change }] })),
    );
    try {
      const error: unknown = await listOf(runLogStore(server.url).runs()).catch((why: unknown) => why);
      expect(isRunlogError(error, "unreachable") && error.message).toMatch(/a run in its list is malformed/);
    } finally {
      await server.stop();
    }
  });
});

/** A journal of the run: a good segment and one of these records. */
function writeJournal(place: string, name: string, records: readonly string[]): void {
  const second = encodeSegment({ run: name, writer: writerOf(0), seq: 1, clock: 1_700_000_000_001 }, records);
  write(place, name, [segmentOf({ run: name, seq: 0 }), second]);
}

function write(place: string, name: string, segments: readonly Segment[]): void {
  const journal = `${place}/.journal/${name}`;
  mkdirSync(journal, { recursive: true });
  writeFileSync(
    `${journal}/${writerOf(0)}.0.jsonl`,
    segments.map((segment) => `${textOf(segment)}\n`).join(""),
  );
}
