import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import type { Segment } from "../../src/model/segment-line.ts";
import { placeholderOf, segmentOf, segmentsOf, textOf, textsOf } from "../contract/segments.ts";
import { folderForEachTest, linesOf, run, writer } from "./folder.ts";

const folder = folderForEachTest();

describe("the exit hook's append", () => {
  it("touches no file with a write in flight, and may repeat what is in it", async () => {
    const store = folder.openStore();
    await store.append(segmentsOf(run, 0, 1));
    const flight = store.append(segmentsOf(run, 1, 3));
    store.appendSync?.(segmentsOf(run, 1, 5));
    expect(folder.read(`${writer}.1.jsonl`)).toEqual(linesOf(segmentsOf(run, 1, 5)));
    expect(await textsOf(folder.openStore().segments(run))).toEqual(segmentsOf(run, 0, 5).map(textOf));
    await flight;
    expect(await textsOf(folder.openStore().segments(run))).toEqual(segmentsOf(run, 0, 5).map(textOf));
    await store.append(segmentsOf(run, 5, 6));
    expect(await store.position(run)).toEqual({ [writer]: 6 });
  });

  it("makes the folder, and writes the run log when it ends the run", async () => {
    const store = folder.openStore(join(folder.path, "new"));
    const end = { type: "finish", status: "FAIL", time: 1_700_000_001_000 };
    store.appendSync?.([...segmentsOf(run, 0, 2), segmentOf({ run, seq: 2, records: [end] })]);
    expect(JSON.parse(readFileSync(join(folder.path, "new", `${run}.json`), "utf8"))).toMatchObject({
      run_id: run,
      status: "FAIL",
    });
  });
});

describe("the exit hook's run log", () => {
  const end = segmentOf({
    run,
    seq: 2,
    records: [{ type: "finish", status: "SUCCESS", time: 1_700_000_001_000 }],
  });

  it.each([
    [0, 1],
    [1, 0],
  ])("tells the true segment of file %d, not its placeholder in file %d", (good, bad) => {
    const [first, second] = segmentsOf(run, 0, 2) as [Segment, Segment];
    folder.writeJournal(`${writer}.${good}.jsonl`, linesOf([first, second]));
    folder.writeJournal(`${writer}.${bad}.jsonl`, linesOf([first, placeholderOf({ run, seq: 1 })]));
    folder.openStore().appendSync?.([end]);
    const text = readFileSync(join(folder.path, `${run}.json`), "utf8");
    expect(JSON.parse(text)).toMatchObject({ run_id: run, status: "SUCCESS" });
    expect(text).toContain('"1"');
  });

  it("is left out where the journal is too large for an exit", () => {
    folder.writeJournal(`${writer}.0.jsonl`, linesOf(segmentsOf(run, 0, 2)));
    truncateSync(folder.journal(`${writer}.0.jsonl`), 64 * 1_048_576 + 1);
    folder.openStore().appendSync?.([end]);
    expect(existsSync(join(folder.path, `${run}.json`))).toBe(false);
  });
});

describe("the run log for other programs", () => {
  const ending = (seq: number, status: string): Segment =>
    segmentOf({ run, seq, records: [{ type: "finish", status, time: 1_700_000_001_000 }] });
  const runLog = (): unknown => JSON.parse(readFileSync(join(folder.path, `${run}.json`), "utf8"));

  it("is there when the append that ends the run resolves", async () => {
    const store = folder.openStore();
    await store.append(segmentsOf(run, 0, 1));
    expect(existsSync(join(folder.path, `${run}.json`))).toBe(false);
    await store.append([ending(1, "SUCCESS")]);
    expect(runLog()).toMatchObject({ run_id: run, status: "SUCCESS" });
    expect(readdirSync(folder.journal())).toEqual([`${writer}.0.jsonl`]);
  });

  it("is written at the end of a task, and at close", async () => {
    const store = folder.openStore();
    const task = { type: "task", task: "t", attempt: 1, status: "SUCCESS", time: 1_700_000_000_500 };
    await store.append([...segmentsOf(run, 0, 1), segmentOf({ run, seq: 1, records: [task] })]);
    await vi.waitFor(() => expect(runLog()).toMatchObject({ run_id: run }));
    await store.append([segmentOf({ run, seq: 2, mark: "at the close" })]);
    await store.close();
    expect(JSON.stringify(runLog())).toContain("at the close");
  });

  it("that cannot be written does not fail the append, and is written later", async () => {
    const store = folder.openStore();
    mkdirSync(join(folder.path, `${run}.json`, "x"), { recursive: true });
    rmSync(join(folder.path, ".journal"), { recursive: true, force: true });
    mkdirSync(folder.journal(), { recursive: true });
    await store.append([...segmentsOf(run, 0, 1), ending(1, "SUCCESS")]);
    rmSync(join(folder.path, `${run}.json`), { recursive: true });
    await store.close();
    expect(runLog()).toMatchObject({ status: "SUCCESS" });
  });

  it("of another program keeps its name", async () => {
    writeFileSync(join(folder.path, `${run}.json`), "theirs");
    const store = folder.openStore();
    expect(store.has?.(run)).toBe(true);
    await expect(store.append(segmentsOf(run, 0, 1))).rejects.toMatchObject({ code: "run_id_taken" });
    expect(readFileSync(join(folder.path, `${run}.json`), "utf8")).toBe("theirs");
  });
});
